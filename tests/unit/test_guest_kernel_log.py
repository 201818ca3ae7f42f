"""Which lines of the kernel log the guest tests take for a complaint."""

from __future__ import annotations

from types import ModuleType
from typing import Callable

import pytest


@pytest.fixture(scope="module")
def kmsg(imported: Callable[[str], ModuleType]) -> ModuleType:
    """The module of that name, which guests run with the standard library alone."""
    return imported("tests/guest/kmsg.py")


@pytest.mark.parametrize(
    "line",
    [
        "BUG: scheduling while atomic: tracer_worker/301/0x00000002",
        "BUG: sleeping function called from invalid context at kernel/locking/spinlock_rt.c:46",
        "BUG: using smp_processor_id() in preemptible [00000000] code: python3/214",
        "BUG: using __this_cpu_add() in preemptible [00000000] code: python3/214",
        "BUG: Invalid wait context",
        "WARNING: CPU: 1 PID: 214 at kernel/sched/core.c:6560 __schedule+0x3e4/0xa70",
        "rcu: INFO: rcu_preempt self-detected stall on CPU",
        "INFO: task python3:214 blocked for more than 120 seconds.",
        "bad: scheduling from the idle thread!",
        "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [tracer_worker:301]",
    ],
)
def test_what_the_kernel_says_of_a_sleeping_handler_is_a_complaint(
    kmsg: ModuleType, line: str
) -> None:
    assert kmsg.COMPLAINT.search(line)


@pytest.mark.parametrize(
    "line",
    [
        "sched: RT throttling activated",
        "tracer: loading out-of-tree module taints kernel.",
        "tracer: version 1.0.0 loaded: 14 probes, up to 16384 processes, 262144 tracked blocks",
        "hrtimer: interrupt took 421722120 ns",
    ],
)
def test_what_load_alone_brings_about_is_none(kmsg: ModuleType, line: str) -> None:
    assert not kmsg.COMPLAINT.search(line)
