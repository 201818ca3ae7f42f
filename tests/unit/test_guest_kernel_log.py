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
        "BUG: KASAN: use-after-free in tracer_process_find+0x1c/0x40 [tracer]",
        "BUG: MAX_LOCKDEP_CHAINS too low!",
        "UBSAN: shift-out-of-bounds in /var/lib/dkms/tracer/1.0.0/build/block.c:71:2",
        "WARNING: possible circular locking dependency detected",
        "WARNING: suspicious RCU usage",
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


RULE = "=================================================================="
# As the kernel writes it, in records of a line each.
RACE = [
    RULE,
    "BUG: KCSAN: data-race in {0} / {0}",
    "",
    "write to 0xffff88800c0f5a10 of 8 bytes by task 214 on cpu 0:",
    " {0}+0x2a/0x50",
    " vfs_read+0x134/0x3a0",
    "",
    "read to 0xffff88800c0f5a10 of 8 bytes by task 215 on cpu 1:",
    " {0}+0x9/0x50",
    "",
    "Reported by Kernel Concurrency Sanitizer on:",
    RULE,
]


def race(function: str) -> list[str]:
    """A report on a race in that function."""
    return [line.format(function) for line in RACE]


def test_a_data_race_of_the_rest_of_the_kernel_is_no_complaint(kmsg: ModuleType) -> None:
    assert kmsg.complaints_in(race("tick_sched_do_timer")) == []


def test_a_data_race_that_tracer_has_a_part_in_is_a_complaint(kmsg: ModuleType) -> None:
    ours = race("tracer_count [tracer]")
    assert kmsg.complaints_in([*race("wake_up_var"), *ours, *race("wake_up_var")]) == [ours[1]]


def test_a_race_is_ours_wherever_in_its_report_we_stand(kmsg: ModuleType) -> None:
    report = race("refcount_read")
    report[5] = " tracer_show+0x134/0x3a0 [tracer]"
    assert kmsg.complaints_in(report) == [report[1]]


def test_a_report_without_its_end_is_a_complaint(kmsg: ModuleType) -> None:
    assert kmsg.complaints_in(race("tick_sched_do_timer")[:6]) != []


def test_another_complaint_within_a_foreign_report_is_one(kmsg: ModuleType) -> None:
    report = race("tick_sched_do_timer")
    report.insert(4, "WARNING: CPU: 1 PID: 9 at kernel/fork.c:1 free_task+0x1/0x2")
    assert kmsg.complaints_in(report) == [report[4]]


# As the kernel writes it where a test had an allocation fail.
INJECTED = [
    r"FAULT_INJECTION: forcing a failure.\x0aname failslab, interval 1, probability 0",
    "CPU: 1 PID: 301 Comm: fail_nth Tainted: G           O       6.1.192-sanitizer-amd64 #1",
    "Hardware name: QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.16.2 04/01/2014",
    "Call Trace:",
    " <TASK>",
    " should_fail_ex.cold+0x5/0x2a",
    " tracer_session_create+0x40/0x290 [tracer]",
    "RIP: 0033:0x43b4e9",
    "RSP: 002b:00007ffd2f0b7a38 EFLAGS: 00000246 ORIG_RAX: 0000000000000101",
    " </TASK>",
]


def test_a_failure_that_a_test_wanted_is_no_complaint(kmsg: ModuleType) -> None:
    assert kmsg.complaints_in(INJECTED * 2) == []
    assert kmsg.injected_in(["before", *INJECTED, "after"]) == ([INJECTED], ["before", "after"])


def test_a_complaint_within_or_after_one_is_one(kmsg: ModuleType) -> None:
    warning = "WARNING: CPU: 1 PID: 9 at kernel/fork.c:1 free_task+0x1/0x2"
    assert kmsg.complaints_in([*INJECTED[:5], warning, *INJECTED[5:]]) == [warning]
    assert kmsg.complaints_in([*INJECTED, warning, "Call Trace:"]) == [warning, "Call Trace:"]


def test_memory_that_there_is_not_is_no_complaint_after_such_a_failure(kmsg: ModuleType) -> None:
    nothing = ["fail_nth: vmalloc error: size 4198400, failed to allocate pages", *INJECTED[1:]]
    assert kmsg.complaints_in([*INJECTED, *nothing]) == []
    assert "Call Trace:" in kmsg.complaints_in(nothing)
    assert kmsg.injected_in([*INJECTED, *nothing]) == ([INJECTED], [])
