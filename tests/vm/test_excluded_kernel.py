"""A kernel newer than the newest supported one: it is never in apt's way, and users are told.

The packages are built from a copy of the tree in which the line that bounds the kernels is
lowered, so that kernels of today are beyond it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tracer_lab.aftermath import OURS, package_states, small_kernel
from tracer_lab.cells import PACKAGES, Cell, cell_named
from tracer_lab.commands import in_root, run
from tracer_lab.roots import APT, ensure_base, install, kernel_release, log_of, throw_away_copy
from tracer_lab.variants import packages_of_variant
from tracer_lab.vm import Guest, GuestResult, boot, fresh_share
from tracer_tools.kernels import Bounds, kernel_series, parse_bounds, supported_kernels

pytestmark = [pytest.mark.vm, pytest.mark.package]

BELOW_ALL = "5.9"
BOUNDS = "usr/lib/python3/dist-packages/tracer_tools/supported-kernels"
SECONDS = 180


@dataclass(frozen=True)
class Case:
    """A machine that gets the packages, and later a kernel that they exclude.

    Where the bound is below all kernels, the packages come to a machine whose only kernel is
    excluded; else that kernel, from the start, is the newest supported one.
    """

    cell: Cell
    below_all: bool

    def kernel(self, own: str) -> list[str]:
        """The packages of the later kernel, on a machine with the kernel ``own``."""
        if not self.below_all:
            later = cell_named(f"{self.cell.name}-backports")
            return [name for name in later.packages if name not in PACKAGES]
        return small_kernel(own)[1]


# Of each dkms there is: 2.8, whose exit status for an excluded kernel is another one; 3.0, which
# calls it a failed build when it arrives; 3.2.
BULLSEYE = Case(cell_named("bullseye"), below_all=True)
BOOKWORM = Case(cell_named("bookworm"), below_all=False)
TRIXIE = Case(cell_named("trixie"), below_all=True)


@dataclass(frozen=True)
class Machine:
    """A root file system in which apt has done all that a case says."""

    case: Case
    root: Path
    own: str  # release of the kernel that it has from the start
    newcomer: str  # release of the kernel that came later
    arrived: frozenset[str]  # the packages that came with it

    @property
    def excluded(self) -> list[str]:
        """Releases of the kernels that are there and beyond the bound."""
        return [self.newcomer, *([self.own] if self.case.below_all else [])]

    @property
    def bounds(self) -> Bounds:
        """The bounds that the installed packages know."""
        return parse_bounds((self.root / BOUNDS).read_text(), BOUNDS)

    def said_by(self, *command: str) -> str:
        """What a command prints there; it has to succeed."""
        return run(in_root(self.root, command))

    def modules(self, release: str) -> list[Path]:
        """The files of the module for a kernel, compressed or not."""
        return list((self.root / "lib" / "modules" / release).rglob("tracer.ko*"))


@pytest.fixture(scope="module")
def packages_up_to(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Path]]:
    """Packages of the tree in which that series of kernels is the newest supported one."""

    @cache
    def build(newest: str) -> list[Path]:
        folder = tmp_path_factory.mktemp("lowered")
        return list(packages_of_variant(folder, lambda tree: lower(tree, newest)).debs)

    return build


def lower(tree: Path, newest: str) -> None:
    """Name another newest kernel; and the same as the oldest, if that is newer."""
    file = tree / "dkms" / "supported-kernels"
    text, lines = re.subn("(?m)^NEWEST_KERNEL=.*$", f"NEWEST_KERNEL={newest}", file.read_text())
    assert lines == 1
    if supported_kernels().oldest > kernel_series(newest):
        text = re.sub("(?m)^OLDEST_KERNEL=.*$", f"OLDEST_KERNEL={newest}", text)
    file.write_text(text)


@pytest.fixture(
    scope="module",
    params=[BULLSEYE, BOOKWORM, TRIXIE],
    ids=["bullseye", "bookworm", "trixie"],
)
def machine(
    request: pytest.FixtureRequest, packages_up_to: Callable[[str], list[Path]]
) -> Iterator[Machine]:
    """The machine of a case. Whenever apt does not exit 0, it is an error that names its log."""
    case: Case = request.param
    base = ensure_base(case.cell)
    own = kernel_release(base)
    name = f"excluded-{case.cell.name}"
    log = log_of(name)
    with throw_away_copy(base, name) as root:
        bound = BELOW_ALL if case.below_all else str(kernel_series(own))
        install(root, packages_up_to(bound), log)
        before = package_states(root)
        if not case.below_all:
            add_backports(root, case.cell)
        run(in_root(root, ["apt-get", "update"]), log=log)
        run(in_root(root, [*APT, "install", *case.kernel(own)]), log=log)
        (newcomer,) = {path.name for path in (root / "lib" / "modules").iterdir()} - {own}
        arrived = frozenset(package_states(root).keys() - before.keys())
        yield Machine(case, root, own, newcomer, arrived)


def add_backports(root: Path, cell: Cell) -> None:
    """Let apt of a root file system take packages from the backports of its suite, too."""
    sources = root / "etc" / "apt" / "sources.list"
    (main,) = (
        line for line in sources.read_text().splitlines() if line.split()[2] == cell.suite.name
    )
    kind, mirror, suite, *components = main.split()
    added = root / "etc" / "apt" / "sources.list.d" / "backports.list"
    added.write_text(" ".join([kind, mirror, f"{suite}-backports", *components]) + "\n")


def test_the_packages_are_configured(machine: Machine) -> None:
    states = package_states(machine.root)
    assert {name: states[name] for name in OURS} == dict.fromkeys(OURS, "installed")


def test_the_packages_of_the_kernel_are_configured(machine: Machine) -> None:
    states = package_states(machine.root)
    for kind in ("headers", "image"):
        assert states[f"linux-{kind}-{machine.newcomer}"] == "installed"
    assert {states[name] for name in machine.arrived} == {"installed"}
    assert machine.said_by("dpkg", "--audit") == ""


def test_nothing_is_built_for_a_kernel_beyond_the_bound(machine: Machine) -> None:
    status = machine.said_by("dkms", "status", "tracer")
    for release in machine.excluded:
        assert kernel_series(release) > machine.bounds.newest
        assert machine.modules(release) == []
        assert release not in status


@pytest.mark.parametrize("machine", [BOOKWORM], ids=["bookworm"], indirect=True)
def test_the_module_of_the_supported_kernel_stays(machine: Machine) -> None:
    status = machine.said_by("dkms", "status", "tracer")
    assert re.search(rf", {re.escape(machine.own)}, x86_64: installed$", status, re.MULTILINE)
    assert len(machine.modules(machine.own)) == 1


@pytest.fixture(scope="module")
def checked(machine: Machine) -> GuestResult:
    """What tracer-check says when the kernel beyond the bound has been booted."""
    # The lab boots the one kernel that a root has.
    (machine.root / "boot" / f"vmlinuz-{machine.own}").unlink()
    name = f"excluded-{machine.case.cell.name}"
    with fresh_share(name) as share:
        result = boot(Guest(name, machine.root, share, ["tracer-check"], SECONDS))
    assert result.kernel == machine.newcomer
    return result


@pytest.mark.parametrize("machine", [BOOKWORM], ids=["bookworm"], indirect=True)
def test_tracer_check_says_which_kernels_are_supported_and_what_to_do(
    machine: Machine, checked: GuestResult
) -> None:
    bounds = machine.bounds
    lines = checked.output.splitlines()
    (number,) = (number for number, line in enumerate(lines) if line.startswith("FAIL"))
    check, fact = lines[number].split(maxsplit=2)[1:]
    assert check == "kernel-release"
    assert fact == (
        f"Linux {machine.newcomer} is not yet supported (tracer supports {bounds.oldest} to "
        f"{bounds.newest}): boot one of these until there is a newer tracer."
    )
    assert lines[number + 1].strip().startswith("sudo apt update && sudo apt install ")
    assert checked.status == 1, checked.output
