"""A system that has the tree and what its installation takes, but none of the packages."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tracer_lab.aftermath import everything_in
from tracer_lab.cells import cell_named
from tracer_lab.commands import in_root, run
from tracer_lab.roots import ensure_base, kernel_release, log_of, throw_away_copy
from tracer_lab.tree import copy_tree_files
from tracer_lab.variants import TREE

PLACE = "opt/tracer"  # where it has the tree
# What a guest needs that gets its files over 9p. depmod reads all modules, again and again, and
# in an emulated guest that would take minutes.
KEPT_MODULES = {
    "drivers": {"block", "char", "virtio"},
    "fs": {"9p", "fscache", "netfs", "overlayfs"},
    "net": {"9p"},
    "sound": set[str](),
}


@dataclass(frozen=True)
class Said:
    """How a command ended, and all that it printed."""

    status: int
    text: str


@dataclass(frozen=True)
class Machine:
    """Such a root file system."""

    name: str
    suite: str
    root: Path
    kernel: str  # release
    before: frozenset[str]  # a line for each thing in it before anything was done there

    @property
    def tree(self) -> Path:
        """The tree in it."""
        return self.root / PLACE

    def says(self, *command: str) -> Said:
        """What a command says that runs there, as root, in the tree."""
        done = subprocess.run(
            in_root(self.root, ["env", f"--chdir=/{PLACE}", *command]),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Said(done.returncode, done.stdout)

    def install(self, *options: str) -> Said:
        """What installing says, for the kernel that it has."""
        return self.says("./bootstrap", "install", f"--kernel={self.kernel}", *options)

    def status(self) -> str:
        """What dkms says of tracer."""
        return self.says("dkms", "status", "-m", "tracer").text.strip()

    def installed(self, version: str) -> str:
        """What dkms says if it has installed that version for the kernel, and nothing else."""
        return f"tracer/{version}, {self.kernel}, x86_64: installed"

    def module_field(self, field: str) -> str:
        """What modinfo says of the installed module."""
        return self.says("modinfo", "-k", self.kernel, "-F", field, "tracer").text.strip()


@contextmanager
def machine_with_tree(name: str, suite: str) -> Iterator[Machine]:
    """Such a machine of that suite, to change at will; gone at the end of the block."""
    log = log_of(name)
    with throw_away_copy(ensure_base(cell_named(suite)), name) as root:
        run(in_root(root, ["apt-get", "update"]), log=log)
        apt = ["apt-get", "install", "--yes", "--no-install-recommends"]
        run(in_root(root, [*apt, "python3-invoke"]), log=log)
        copy_tree_files(TREE, root / PLACE)
        # The tasks leave no compiled files there, and an emulated guest takes long to do without.
        run(in_root(root, ["python3", "-m", "compileall", "-q", f"/{PLACE}/tools"]))
        kernel = kernel_release(root)
        leave_out_modules(root / "lib" / "modules" / kernel / "kernel")
        run(in_root(root, ["depmod", kernel]))
        yield Machine(name, suite, root, kernel, frozenset(everything_in(root)))


def leave_out_modules(folder: Path) -> None:
    """Remove the modules of a kernel that no guest needs."""
    for part, kept in KEPT_MODULES.items():
        for one in (folder / part).iterdir():
            if one.name not in kept:
                shutil.rmtree(one) if one.is_dir() else one.unlink()


@contextmanager
def hidden(path: Path) -> Iterator[None]:
    """Without a file or folder until the end of the block."""
    aside = path.with_name(f"{path.name}.aside")
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


@contextmanager
def replaced(path: Path, text: str) -> Iterator[None]:
    """With another text in place of a file until the end of the block; or with one more file."""
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    try:
        yield
    finally:
        path.unlink() if before is None else path.write_bytes(before)
