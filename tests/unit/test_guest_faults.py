"""Which allocations of a call are made to fail, without a kernel that has them fail."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Callable

import pytest

GUEST = Path(__file__).resolve().parents[1] / "guest"


@pytest.fixture
def faults(imported: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of that name, which guests run beside those that it needs."""
    monkeypatch.syspath_prepend(str(GUEST))
    return imported("tests/guest/faults.py")


def walked(faults: ModuleType, stacks: list[str]) -> list[int]:
    """Walk through a call that has an allocation with each of these stacks; give which were tried.

    The last attempt must be the only one in which nothing failed.
    """

    def act(nth: int) -> object:
        failed = nth <= len(stacks)
        stack = (stacks[nth - 1],) if failed else ()
        return faults.Attempt(nth, 0, "OK", failed, stack, b"")

    attempts = list(faults.walk(act))
    assert not attempts[-1].failed
    assert attempts[-1].nth == len(stacks) + 1
    return [attempt.nth for attempt in attempts if attempt.failed]


def test_every_allocation_of_a_short_call_is_tried(faults: ModuleType) -> None:
    stacks = ["open", *["equal"] * faults.PATIENCE, "last"]
    assert walked(faults, stacks) == list(range(1, len(stacks) + 1))


def test_a_call_without_allocations_is_made_once(faults: ModuleType) -> None:
    assert walked(faults, []) == []


def test_of_many_equal_ones_few_are_tried_and_all_that_comes_after(faults: ModuleType) -> None:
    before, equal, after = ["first", "second"], ["equal"] * 5000, [f"new {i}" for i in range(90)]
    tried = walked(faults, before + equal + after)
    assert len(tried) < 5000 // faults.STRIDE + 2 * (faults.STRIDE + faults.PATIENCE) + 92
    assert set(range(5002 + 1, 5092 + 1)) <= set(tried)
    assert {1, 2} <= set(tried)


def test_the_end_of_the_call_is_found_behind_equal_ones(faults: ModuleType) -> None:
    tried = walked(faults, ["equal"] * 1000)
    assert tried[-1] == 1000


def test_a_stack_is_what_the_kernel_is_sure_of(faults: ModuleType) -> None:
    lines = [
        "FAULT_INJECTION: forcing a failure.",
        "CPU: 0 PID: 301 Comm: fail_nth Tainted: G           O       6.1.192-sanitizer-amd64 #1",
        "Call Trace:",
        " <TASK>",
        " dump_stack_lvl+0x5b/0x77",
        " ? lock_is_held_type+0xa6/0x110",
        " tracer_session_create+0x40/0x290 [tracer]",
        " </TASK>",
    ]
    stack = faults.stack_of(lines)
    assert stack == ("dump_stack_lvl+0x5b", "tracer_session_create+0x40 [tracer]")
    assert faults.Attempt(1, -1, "ENOMEM", failed=True, stack=stack, data=b"").is_ours
