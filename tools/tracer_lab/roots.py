"""Root file systems: an untouched base of each cell, and layers with the packages installed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tracer_lab.cache import cache_dir, claimed, key_of, locked, made_once, remove_tree, shared
from tracer_lab.cells import Cell
from tracer_lab.commands import SHARE, as_root, in_root, run
from tracer_lab.errors import LabError
from tracer_lab.foreign import ensure_runs
from tracer_lab.mirror import host_mirror, sources_list
from tracer_lab.suites import Suite

LAYERS_KEPT = 2
INCOMING = "var/tmp/incoming"
# Nothing here boots from an initramfs, and making one takes a while.
NO_INITRAMFS = ("env", "INITRD=No")
APT = (*NO_INITRAMFS, "apt-get", "--yes", "--no-install-recommends")
MMDEBSTRAP = (*NO_INITRAMFS, "mmdebstrap", "--variant=apt", "--format=directory")
HOOK = f'mkdir "$1{SHARE}"'


def roots_dir() -> Path:
    """The folder of all root file systems."""
    return cache_dir() / "roots"


def log_of(name: str) -> Path:
    """A fresh, empty log file of that name."""
    log = cache_dir() / "logs" / f"{name}.log"
    log.parent.mkdir(exist_ok=True)
    log.write_bytes(b"")
    return log


def base_path(cell: Cell) -> Path:
    """Where the base of that cell is, or would be: another recipe has another path."""
    recipe = key_of(*mmdebstrap(cell.suite, _options(cell)), *cell.archives, cell.suite.security)
    return roots_dir() / f"{cell.name}-{recipe}"


def _options(cell: Cell) -> list[str]:
    foreign = [] if cell.architecture == "amd64" else [f"--architectures={cell.architecture}"]
    return [*foreign, f"--include={','.join(cell.packages)}"]


def mmdebstrap(suite: Suite, options: Sequence[str]) -> list[str]:
    """The command that makes a root file system of that suite; its name and a folder follow."""
    command = [*MMDEBSTRAP, f"--customize-hook={HOOK}", *options]
    if not suite.check_valid_until:
        command += ["--aptopt=Acquire::Check-Valid-Until false"]
    return command


def make_root(
    target: Path, suite: Suite, archives: Sequence[str], options: Sequence[str], log: Path
) -> None:
    """Make a root file system of that suite with packages from those archives of the mirror.

    Raises LabError if packages cannot be had or installed.
    """
    mirror = host_mirror()
    sources = "" if mirror is None else sources_list(mirror, archives, suite.security)
    # Without a mirror of our own mmdebstrap takes its default one.
    given = [] if mirror is None else ["-"]
    run(
        as_root([*mmdebstrap(suite, options), suite.name, str(target), *given]),
        stdin=sources,
        log=log,
        hint="sudo apt-get update, and see that the mirror in apt's sources answers",
    )


def ensure_base(cell: Cell) -> Path:
    """The base root file system of that cell: a plain system with its kernel, headers and dkms.

    Never to be changed. Takes about a minute the first time, nothing after that.
    Raises LabError if packages cannot be had or installed.
    """

    def make(target: Path) -> None:
        ensure_runs(cell.architecture)
        log = log_of(f"base-{cell.name}")
        make_root(target, cell.suite, cell.archives, _options(cell), log)

    return made_once(base_path(cell), make)


@contextmanager
def offered(root: Path, debs: Sequence[Path]) -> Iterator[list[str]]:
    """The names of packages inside a root file system, in which they are until the end."""
    incoming = root / INCOMING
    run(as_root(["mkdir", str(incoming)]))
    try:
        run(as_root(["cp", *map(str, debs), str(incoming)]))
        yield [f"/{INCOMING}/{deb.name}" for deb in debs]
    finally:
        run(as_root(["rm", "-r", str(incoming)]))


def install(root: Path, debs: Sequence[Path], log: Path) -> None:
    """Install packages in a root file system with apt, as a user of them does."""
    apt = ["apt-get", "install", "--yes", "--no-install-recommends"]
    with offered(root, debs) as names:
        run(in_root(root, [*apt, *names]), log=log)


def copy_tree(source: Path, target: Path) -> None:
    """Copy a root file system; on a file system with reflinks that costs next to nothing.

    What somebody has mounted in it is left out: a copy of /proc fills any disk.
    """
    copy = ["cp", "--archive", "--one-file-system", "--reflink=auto"]
    run(as_root([*copy, str(source), str(target)]))


def ensure_installed(cell: Cell, debs: Sequence[Path]) -> Path:
    """A root file system of that cell with those packages installed. Never to be changed.

    Made anew when the content of a package or the recipe of the base changes.
    """
    return ensure_layer(ensure_base(cell), cell.name, debs)


def ensure_layer(base: Path, name: str, debs: Sequence[Path]) -> Path:
    """A copy of a base root file system with packages installed; ``name`` is of the log.

    Raises LabError if apt fails.
    """
    layer = roots_dir() / f"{base.name}+{key_of(files=debs)}"

    def make(target: Path) -> None:
        copy_tree(base, target)
        install(target, debs, log_of(f"install-{name}"))

    made_once(layer, make)
    _drop_old_layers(base, layer)
    return layer


def _drop_old_layers(base: Path, current: Path) -> None:
    layers = [path for path in roots_dir().glob(f"{base.name}+*") if path.suffix != ".unfinished"]
    layers.sort(key=lambda path: path.stat().st_ctime, reverse=True)
    for old in layers[LAYERS_KEPT:]:
        with claimed(_use_of(old)) as unused:
            if unused and old != current:
                remove_tree(old)


@contextmanager
def in_use(root: Path) -> Iterator[None]:
    """Nobody removes a layer until the end of the block, whatever is installed meanwhile."""
    with shared(_use_of(root)):
        yield


def _use_of(root: Path) -> str:
    return f"use-{root.name}"


@contextmanager
def throw_away_copy(root: Path, name: str) -> Iterator[Path]:
    """A copy of a root file system to change at will, gone at the end of the block."""
    copy = roots_dir() / f"{name}.scratch"
    with locked(copy.name):
        remove_tree(copy)
        copy_tree(root, copy)
        try:
            yield copy
        finally:
            remove_tree(copy)


def kernel_release(root: Path) -> str:
    """The release of the one kernel installed in a root file system."""
    return kernel_image(root)[0]


def architecture_of(root: Path) -> str:
    """Debian's name of the processors that the kernel in a root file system is for."""
    return kernel_release(root).rpartition("-")[2]


def kernel_image(root: Path) -> tuple[str, Path]:
    """The release and the bootable file of the one kernel installed in a root file system."""
    found = {path.name[len("vmlinuz-") :]: path for path in root.glob("boot/vmlinuz-*")}
    # From 7.3 on the packages have it here, and what copies it to /boot is not installed.
    found |= {path.parent.name: path for path in root.glob("usr/lib/modules/*/vmlinuz")}
    if len(found) != 1:
        raise LabError(
            f"{root} has {len(found)} kernels, not one: {', '.join(sorted(found))}",
            "invoke clean --everything",
        )
    return next(iter(found.items()))
