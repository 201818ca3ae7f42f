"""What the tests with virtual machines share: the packages, and roots with them installed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tracer_lab.cells import Cell, cell_named
from tracer_lab.commands import SHARE, in_root, run
from tracer_lab.guest_suite import NOT_COPIED, TESTS, TREE
from tracer_lab.layout import module_version
from tracer_lab.packages import build_packages
from tracer_lab.roots import APT, ensure_installed, log_of, throw_away_copy
from tracer_lab.vm import Guest, GuestResult, boot, fresh_share

IN_GUEST = Path(__file__).with_name("in_guest")
# What users of the commands have, and the plain systems of the cells do not.
USERS_PACKAGES = ("sudo", "tmux")
SECONDS = 400  # emulated, on a busy machine
# Begun first, so that no processor is left with one of them alone at the end.
LONGEST = (
    "test_autopkgtest.py",
    "test_churn.py",
    "test_running_system.py",
    "test_terminal.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the others stay in their order."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session")
def cell() -> Cell:
    return cell_named("bookworm")


@pytest.fixture(scope="session")
def debs() -> list[Path]:
    return list(build_packages(TREE, TREE / "dist").debs)


@pytest.fixture(scope="session")
def version() -> str:
    """The version of the packages."""
    return module_version(TREE)


@pytest.fixture(scope="session")
def installed(cell: Cell, debs: list[Path]) -> Path:
    """A root with the packages installed by apt. Not to be changed."""
    return ensure_installed(cell, debs)


@dataclass(frozen=True)
class Furnished:
    """A root with the packages and what users have, among them alice, of the group, and bob."""

    name: str  # of the cell
    root: Path


@pytest.fixture(scope="session")
def furnished(
    request: pytest.FixtureRequest, worker_id: str, debs: list[Path]
) -> Iterator[Furnished]:
    """A root with the kernel of the cell that a file of tests names."""
    cell = cell_named(request.param)
    name = f"furnished-{cell.name}-{worker_id}"
    with throw_away_copy(ensure_installed(cell, debs), name) as root:
        log = log_of(f"furnished-{cell.name}")
        run(in_root(root, [*APT, "update"]), log=log)
        run(in_root(root, [*APT, "install", *USERS_PACKAGES]), log=log)
        run(in_root(root, ["useradd", "--create-home", "--groups=tracer", "alice"]), log=log)
        run(in_root(root, ["useradd", "--create-home", "bob"]), log=log)
        yield Furnished(cell.name, root)


@dataclass(frozen=True)
class Steps:
    """A guest that took the steps of a script, and what each of them found."""

    result: GuestResult
    found: dict[str, dict[str, Any]]

    def of(self, step: str) -> dict[str, Any]:
        """What a step found; fails the test if the step did."""
        found = self.found[step]
        assert "failed" not in found, found["failed"]
        return found


@pytest.fixture(scope="session")
def take_steps(furnished: Furnished) -> Callable[[str], Steps]:
    """Boot the root and run a script of in_guest that takes steps (in_guest/outcomes.py)."""

    def take(script: str) -> Steps:
        name = f"{Path(script).stem}-{furnished.name}"
        with fresh_share(name) as share:
            for folder in (IN_GUEST, TESTS):
                shutil.copytree(folder, share / folder.name, ignore=NOT_COPIED)
            facts = f"{SHARE}/steps.json"
            command = ["python3", f"{SHARE}/{IN_GUEST.name}/{script}", facts]
            result = boot(Guest(name, furnished.root, share, command, SECONDS))
            assert result.status == 0, result.output
            return Steps(result, json.loads((share / "steps.json").read_text()))

    return take
