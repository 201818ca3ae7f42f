"""Which rows of the table are of processes that this tracerctl added."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tracer_tools import COLUMNS, Tracer
from tracer_tools.ctl.ledger import Ledger
from tracer_tools.processes import Origin, origin

if TYPE_CHECKING:
    from tests.unit.tools.conftest import Machine


def put(machine: Machine, pid: int, parent: int, started: int = 100) -> None:
    """Put a process into /proc."""
    rest = " ".join(["0"] * 17)
    machine.write(f"/proc/{pid}/stat", f"{pid} (a) b ) S {parent} {rest} {started} 0 0\n")
    machine.write(f"/proc/{pid}/comm", f"name{pid}\n")


def monitor(machine: Machine, *pids: int) -> None:
    """Give the table these rows."""
    rows = [" ".join([str(pid), *"123456789"]) for pid in pids]
    machine.write("/proc/tracer", "\n".join([" ".join(COLUMNS), *rows, ""]))


@pytest.fixture
def ledger(machine: Machine) -> Ledger:
    """Give a ledger of the tree of process 10, where 20 is monitored by somebody else."""
    machine.load_module()
    put(machine, 1, 0)
    put(machine, 10, 1)
    put(machine, 20, 10)
    monitor(machine, 20)
    ledger = Ledger(Tracer(machine), machine, tree=True)
    ledger.claim(10)
    return ledger


def running(ledger: Ledger) -> list[int]:
    return [process.pid for process in ledger.running()]


def test_where_a_process_comes_from(machine: Machine) -> None:
    put(machine, 10, 1, started=7)
    assert origin(10, machine) == Origin(1, 7)
    assert origin(11, machine) is None


def test_descendants_are_ours_and_others_are_not(machine: Machine, ledger: Ledger) -> None:
    put(machine, 11, 10)
    put(machine, 12, 11)
    put(machine, 30, 1)
    monitor(machine, 10, 12, 20, 30)
    assert running(ledger) == [10, 12]


def test_one_that_was_seen_stays_ours_when_its_parent_ends(
    machine: Machine, ledger: Ledger
) -> None:
    put(machine, 12, 10)
    monitor(machine, 12)
    assert running(ledger) == [12]
    put(machine, 12, 1)
    assert running(ledger) == [12]


def test_another_process_with_the_same_pid_is_not_ours(machine: Machine, ledger: Ledger) -> None:
    put(machine, 10, 1, started=500)
    put(machine, 12, 10, started=501)
    monitor(machine, 10, 12)
    assert running(ledger) == []


def test_ours_with_the_pid_of_one_that_another_had_added(machine: Machine, ledger: Ledger) -> None:
    put(machine, 20, 10, started=500)
    monitor(machine, 20)
    assert running(ledger) == [20]


def test_without_trees_only_what_was_claimed(machine: Machine, ledger: Ledger) -> None:
    alone = Ledger(Tracer(machine), machine, tree=False)
    alone.claim(10)
    put(machine, 11, 10)
    monitor(machine, 10, 11)
    assert running(alone) == [10]


def test_a_process_that_runs_is_shown_with_what_it_is_called(
    machine: Machine, ledger: Ledger
) -> None:
    monitor(machine, 10)
    (process,) = ledger.running()
    assert (process.command, process.parent, process.ending) == ("name10", 1, None)
    assert list((process.counters or {}).values()) == list(range(1, 10))


def test_it_is_told_if_some_could_not_be_found(machine: Machine, ledger: Ledger) -> None:
    put(machine, 30, 1)  # its parent has ended before it was seen
    monitor(machine, 20, 30)
    ledger.remove_running()  # the device of this machine never says that all have ended
    assert (ledger.removed, ledger.left) == ([], True)
