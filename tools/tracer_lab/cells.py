"""The matrix, as data: on which kernels of which Debian suites tracer must be right."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_lab.errors import LabError
from tracer_lab.suites import Suite, suite_named

# What a machine of a user of the packages has anyway, what the packages depend on, and a
# compiler for the programs of the tests: with them in the base, installing the packages needs
# no network.
PACKAGES = (
    "dkms",
    "gcc",
    "kmod",
    "openssl",
    "passwd",
    "python3",
    "python3-distro",
    "python3-packaging",
    "python3-rich",
    "systemd-sysv",
    "udev",
)


@dataclass(frozen=True)
class Cell:
    """A kernel of a suite: the packages are installed there, booted, and tested."""

    suite: Suite
    flavour: str = "amd64"  # as Debian's packages of kernels end: amd64, rt-amd64, arm64
    backports: bool = False  # the kernel comes from the suite's backports
    as_released: bool = False  # the kernel is that of the release, not the newer one of security

    @property
    def name(self) -> str:
        """The suite, or its backports, and the flavour if it is not the generic one."""
        archive = f"{self.suite.name}-backports" if self.backports else self.suite.name
        return archive if self.generic else f"{archive}-{self.flavour.split('-')[0]}"

    @property
    def architecture(self) -> str:
        """Debian's name of the processors that it is for."""
        return self.flavour.rpartition("-")[2]

    @property
    def generic(self) -> bool:
        """Whether its kernel is for any machine, which most users have."""
        return self.flavour == "amd64"

    @property
    def archives(self) -> tuple[str, ...]:
        """The archive suites that the root file system takes packages from."""
        added = (f"{self.suite.name}-backports",) if self.backports else ()
        return (*self.suite.archives, *added)

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages of the base root file system, as apt-get install takes them."""
        archive = f"/{self.suite.name}" if self.as_released else ""
        archive = f"/{self.suite.name}-backports" if self.backports else archive
        kernel = [f"linux-{part}-{self.flavour}{archive}" for part in ("headers", "image")]
        # virtme-ng starts a guest of another architecture with that one's busybox.
        starter = () if self.architecture == "amd64" else ("busybox-static",)
        return (*PACKAGES, *starter, *kernel)


def _cells() -> tuple[Cell, ...]:
    bullseye, bookworm = suite_named("bullseye"), suite_named("bookworm")
    trixie, forky = suite_named("trixie"), suite_named("forky")
    generic = (
        Cell(bullseye),
        Cell(bookworm),
        Cell(bookworm, backports=True),
        Cell(trixie),
        Cell(forky),
        Cell(trixie, backports=True),
    )
    others = (
        Cell(suite, flavour, backports)
        for suite, backports in ((bookworm, False), (trixie, False), (trixie, True))
        for flavour in ("rt-amd64", "cloud-amd64")
    )
    # The only kernel whose mutex_lock() is a macro for another function. Mirrors lack files of
    # its newest version.
    return (
        *generic,
        *others,
        Cell(bullseye, "rt-amd64", as_released=True),
        Cell(bookworm, "arm64"),
    )


CELLS = _cells()


@dataclass(frozen=True)
class BuildCell:
    """Kernels of a suite's archives: the module is compiled for each, nothing is booted."""

    suite: Suite
    backports: bool = False  # the suite has them, and their kernels count
    architecture: str = "amd64"
    every_version: bool = True  # False: of each flavour only the newest 6.1, the newest 6.12...
    tools: tuple[str, ...] = ()  # packages that it needs beside compilers
    purpose: str = "build"

    @property
    def name(self) -> str:
        """What it is for, the suite, and the architecture if it is not the usual one."""
        name = f"{self.purpose}-{self.suite.name}"
        return name if self.architecture == "amd64" else f"{name}-{self.architecture}"

    @property
    def archives(self) -> tuple[str, ...]:
        """The archive suites with its kernels, beside that of security."""
        added = (f"{self.suite.name}-backports",) if self.backports else ()
        return (*self.suite.archives, *added)


BUILD_CELLS = (
    BuildCell(suite_named("bullseye")),
    BuildCell(suite_named("bookworm"), backports=True),
    BuildCell(suite_named("trixie"), backports=True),
    BuildCell(suite_named("forky"), tools=("sparse",)),
    *(
        BuildCell(suite_named(name), backports=True, architecture="arm64", every_version=False)
        for name in ("bookworm", "trixie")
    ),
)


@dataclass(frozen=True)
class SanitizerCell:
    """A kernel built of Debian's source with what finds faults: packages installed, all tests."""

    name: str
    suite: Suite
    source: str  # package of the source
    fragments: tuple[str, ...]  # of its configuration, in kernel_configs/
    backports: bool = False  # the source comes from the suite's backports

    @property
    def archives(self) -> tuple[str, ...]:
        """The archive suites with the source."""
        added = (f"{self.suite.name}-backports",) if self.backports else ()
        return (*self.suite.archives, *added)

    @property
    def finds_races(self) -> bool:
        """Whether it is there for data races, and has none of the other sanitizers."""
        return "kcsan" in self.fragments

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages of its root file system beside the kernel's own."""
        # The headers of a kernel that is not Debian's depend on nothing; objtool needs it.
        return (*PACKAGES, "libelf1")


SANITIZER_CELLS = (
    SanitizerCell(
        "sanitizer-6.1",
        suite_named("bookworm"),
        "linux-source-6.1",
        ("guest", "linux-6.1", "sanitizers"),
    ),
    SanitizerCell(
        "sanitizer-7.3",
        suite_named("trixie"),
        "linux-source-7.3",
        ("guest", "linux-7.3", "sanitizers"),
        backports=True,
    ),
    SanitizerCell(
        "sanitizer-kcsan-7.3",
        suite_named("trixie"),
        "linux-source-7.3",
        ("guest", "linux-7.3", "kcsan"),
        backports=True,
    ),
)


def cell_named(name: str) -> Cell:
    """The cell of that name; raises LabError for a name that the matrix does not have."""
    for cell in CELLS:
        if cell.name == name:
            return cell
    known = ", ".join(cell.name for cell in CELLS)
    raise LabError(f"no cell of the matrix is called {name}", f"there are: {known}")
