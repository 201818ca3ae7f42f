"""What tracerctl run and record say of trees, beside ftrace: equal, each column of each process.

One boot a kernel runs everything (in_guest/exactness.py); there is no tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [
    pytest.mark.vm,
    pytest.mark.package,
    pytest.mark.parametrize("furnished", ["bookworm", "trixie-backports"], indirect=True),
]

PIPES, CHILDREN = 101, 7  # of operations.py
COMMANDS = ("operations", "pipeline", "script", "recording")
Steps = Any  # of conftest.py


@pytest.fixture(scope="module")
def steps(take_steps: Callable[[str], Steps]) -> Steps:
    return take_steps("exactness.py")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_process_has_the_counts_of_ftrace(steps: Steps, command: str) -> None:
    found = steps.of(command)
    assert found["status"] == 0
    assert found["unknown"] == [], "blocks that were there before the trace"
    assert found["failed large"] == 0
    assert found["counted"] == found["ftrace"]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_total_is_that_of_ftrace(steps: Steps, command: str) -> None:
    found = steps.of(command)
    report = found["report"]
    assert (report["lost"], report["missed"], report["unfollowed"]) == (0, 0, 0)
    for name, total in report["total"].items():
        assert total == sum(counters[name] for counters in found["ftrace"].values()), name


@pytest.mark.parametrize(
    ("command", "number"), [("operations", 8), ("pipeline", 4), ("script", 41), ("recording", 41)]
)
def test_every_process_of_the_tree_is_there(steps: Steps, command: str, number: int) -> None:
    assert len(steps.of(command)["report"]["processes"]) == number


def test_the_intervals_of_a_recording_sum_up_to_the_totals(steps: Steps) -> None:
    found = steps.of("recording")
    assert found["report"]["intervals"] == found["ftrace"]


def test_known_operations_are_among_the_counts(steps: Steps) -> None:
    """A pipe takes at least two allocations and a mutex for each of its two transfers."""
    for process in steps.of("operations")["report"]["processes"]:
        assert process["kmalloc"] >= 2 * PIPES
        assert process["lock"] >= 2 * PIPES
        assert process["unlock"] >= 2 * PIPES


def test_the_guest_powers_off_in_order(steps: Steps) -> None:
    assert steps.result.powered_off, f"console: {steps.result.console}"
