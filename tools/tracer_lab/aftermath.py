"""What apt leaves in a root file system: states of packages, modules, files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tracer_lab import roots
from tracer_lab.cells import cell_named
from tracer_lab.commands import in_root, run
from tracer_lab.roots import ensure_base, log_of, offered, throw_away_copy

OURS = ("tracer-dkms", "tracer-tools")

APT = (*roots.APT, "--option=Dpkg::Use-Pty=false")  # there is no terminal for dpkg
# What any apt run writes, whatever it installs or purges; the key with which dkms signs the
# modules of all packages, which it makes for itself when it first builds one; and what Python
# keeps of the library of lsb_release, which dkms of bullseye runs.
WRITTEN_BY_OTHERS = re.compile(
    r"^/var/(log|cache|lib/(dpkg|apt)|backups)(/|$)|^/etc/(passwd|g?shadow|group)-$"
    r"|^/var/lib/dkms/mok\.(key|pub)$|^/usr/lib/python3/dist-packages/__pycache__/lsb_release\."
)
# Type, mode and owner of everything; where links point; and how long files are.
LISTING = ("find", "/", "-xdev", "-printf", "%p\t%y %m %U:%G %l\t%s\n")
# The files that maintainer scripts and their tools change rather than replace.
DIGESTS = (
    *("find", "/etc", "/lib/modules/", "-type", "f"),
    *("(", "-path", "/etc/*", "-o", "-name", "modules.*", ")", "-exec", "sha256sum", "{}", "+"),
)
VERSION_OF_MODULE = 'modinfo -k "$1" -F "$2" tracer 2> /dev/null || :'


@dataclass(frozen=True)
class Aftermath:
    """How a root file system stands after something was done in it."""

    said: str  # what apt and all that it called printed
    packages: dict[str, str]  # the state of each that dpkg knows of: installed, or less
    audit: str  # what dpkg finds wrong
    dkms: str  # what it says of tracer
    modules: dict[str, str]  # of each kernel with a module: the version of what modprobe finds
    files: frozenset[Path]  # of the module, wherever they are below /lib/modules


@dataclass
class Sandbox:
    """A root file system in which apt does one step after another."""

    root: Path
    log: Path
    steps: dict[str, Aftermath] = field(default_factory=dict)

    @property
    def kernels(self) -> list[str]:
        """The releases of the kernels that have modules there."""
        return sorted(folder.name for folder in (self.root / "lib" / "modules").iterdir())

    def apt(
        self,
        step: str,
        *arguments: str,
        debs: Sequence[Path] = (),
        within: Sequence[str] = (),
    ) -> Aftermath:
        """Have apt-get do something, with packages of the host if need be, and keep how it went.

        ``within`` is a command that gets the whole command of apt-get as its arguments.
        Raises LabError if apt-get does not exit with 0.
        """
        before = len(self.log.read_text())
        with ExitStack() as stack:
            names = stack.enter_context(offered(self.root, debs)) if debs else []
            command = in_root(self.root, [*within, *APT, *arguments, *names])
            run(command, log=self.log)
        self.steps[step] = aftermath(self.root, self.log.read_text()[before:])
        return self.steps[step]


@contextmanager
def sandbox(suite: str, name: str) -> Iterator[Sandbox]:
    """A plain machine of a suite, with its kernel, headers and dkms, gone after the block."""
    with throw_away_copy(ensure_base(cell_named(suite)), f"{name}-{suite}") as root:
        yield Sandbox(root, log_of(f"{name}-{suite}"))


def aftermath(root: Path, said: str = "") -> Aftermath:
    """How a root file system stands now."""
    kernels = [folder.name for folder in (root / "lib" / "modules").iterdir()]
    found = {kernel: module_field(root, kernel, "version") for kernel in kernels}
    return Aftermath(
        said=said,
        packages=package_states(root),
        audit=run(in_root(root, ["dpkg", "--audit"])),
        dkms=run(in_root(root, ["dkms", "status", "tracer"])),
        modules={kernel: version for kernel, version in found.items() if version},
        files=frozenset((root / "lib" / "modules").rglob("tracer.ko*")),
    )


def package_states(root: Path) -> dict[str, str]:
    """The state of every package that dpkg knows of: installed, or less."""
    listed = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\\n"]
    lines = run(in_root(root, listed)).splitlines()
    return dict(line.split() for line in lines)


def small_kernel(own: str) -> tuple[str, list[str]]:
    """The release of the other flavour of a kernel, which is small, and its packages."""
    release = own.replace("-amd64", "-cloud-amd64")
    return release, [f"linux-{part}-{release}" for part in ("headers", "image")]


def module_field(root: Path, kernel: str, field: str) -> str:
    """What modinfo says of the module that modprobe finds for a kernel; empty without one."""
    return run(in_root(root, ["sh", "-c", VERSION_OF_MODULE, "sh", kernel, field])).strip()


def everything_in(root: Path) -> set[str]:
    """A line for each thing in a root file system that others do not write, as exact as it gets.

    Two systems with the same lines have the same files, of the same owners and modes; those
    below /etc and the lists of modules have the same content, too.
    """
    lines = set()
    for line in run(in_root(root, LISTING)).splitlines():
        name, facts, size = line.split("\t")
        if not WRITTEN_BY_OTHERS.match(name):
            lines.add(f"{name} {facts} {size if facts.startswith('f') else ''}")
    for line in run(in_root(root, DIGESTS)).splitlines():
        digest, name = line.split(maxsplit=1)
        if not WRITTEN_BY_OTHERS.match(name):
            lines.add(f"{name} {digest}")
    return lines
