"""Others probe the same functions: neither they nor tracer lose a call by that."""

from __future__ import annotations

import device
import ftrace
import kprobes
import workload
from case import GuestTest
from test_workload import STEPS
from workload import Step

GROUP = "tracer_beside"
EVENTS = ftrace.TRACING / "kprobe_events"
ENABLE = ftrace.TRACING / "events" / GROUP / "enable"
UPS = 107  # of STEPS


def define_and_enable() -> None:
    """Have on each symbol that tracer probes two kprobe events, and one of its return."""
    for number, symbol in enumerate(kprobes.by_what()):
        for event in (f"p:{GROUP}/a{number}", f"r:{GROUP}/b{number}", f"p:{GROUP}/c{number}"):
            ftrace.append_line(EVENTS, f"{event} {symbol}")
    ftrace.write(ENABLE, "1")


def forget() -> None:
    """Undo that."""
    if ENABLE.exists():
        ftrace.write(ENABLE, "0")
    ftrace.forget_probes(GROUP)


def hits(event: str) -> int:
    """Give how often an event has happened."""
    for line in (ftrace.TRACING / "kprobe_profile").read_text(encoding="ascii").splitlines():
        name, count, _ = line.split()
        if name == event:
            return int(count)
    raise LookupError(event)


class Beside(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(forget)

    def test_others_come_and_go_while_tracer_counts(self) -> None:
        pause = Step("pause", 1)
        with workload.threads(1, [*STEPS, pause, *STEPS, pause, *STEPS]) as (pid,):
            workload.add(pid)
            for change in (define_and_enable, forget):
                workload.control("go")
                workload.await_phase("parked", 1)
                change()
            workload.go(1)
            self.assertEqual(workload.counted(pid), workload.expected([*STEPS, *STEPS, *STEPS]))

    def test_tracer_comes_and_goes_where_others_are(self) -> None:
        define_and_enable()
        number = list(kprobes.by_what()).index("up")
        self.reload()
        for _ in range(2):
            before = hits(f"c{number}")
            with workload.threads(1, STEPS) as (pid,):
                workload.add(pid)
                workload.go(1)
                self.assertEqual(workload.counted(pid), workload.expected(STEPS))
                device.remove(pid)
            self.assertGreaterEqual(hits(f"c{number}") - before, UPS)
