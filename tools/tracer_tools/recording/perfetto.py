"""A recording as counters of a trace, which Perfetto and Chrome's trace viewer open.

The format is the JSON of the Trace Event Format: "C" events are values of counters that hold until
the next one, "M" events give processes their names. Times are in microseconds.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from tracer_tools.listing import UNKNOWN
from tracer_tools.recording.lines import Step
from tracer_tools.recording.reading import Recording, name_of
from tracer_tools.table import COUNTERS

AGAIN = 2**22
"""More than any PID: what a PID that comes again is moved by, for a trace knows no two of them."""
Event = dict[str, Any]


def trace(recording: Recording) -> str:
    """Return the trace: for each process a counter for each column, as rates per second."""
    pids = trace_pids(recording)
    events = [named(pids[total.process], name_of(total)) for total in recording.totals]
    last: dict[int, Step] = {}
    for step in recording.steps:
        if step.seconds > 0:
            events.extend(values(step, pids[step.process]))
            last[step.process] = step
    for step in last.values():
        events.extend(counter(name, step.at, pids[step.process], 0.0) for name in COUNTERS)
    document = {"displayTimeUnit": "ms", "otherData": facts(recording), "traceEvents": events}
    return json.dumps(document) + "\n"


def trace_pids(recording: Recording) -> dict[int, int]:
    """Return by which PID the trace knows each process of the recording."""
    before: Counter[int] = Counter()
    pids = {}
    for total in recording.totals:
        pids[total.process] = total.pid + AGAIN * before[total.pid]
        before[total.pid] += 1
    return pids


def named(pid: int, name: str) -> Event:
    """Return what gives a process its name."""
    return {"ph": "M", "name": "process_name", "pid": pid, "args": {"name": name}}


def values(step: Step, pid: int) -> list[Event]:
    """Return the values of all counters in an interval."""
    begin = max(step.at - step.seconds, 0.0)
    return [
        counter(name, begin, pid, number / step.seconds) for name, number in step.counters.items()
    ]


def counter(name: str, at: float, pid: int, value: float) -> Event:
    """Return a value that a counter has from then on."""
    rate = {"per second": round(value, 3)}
    return {"ph": "C", "name": name, "pid": pid, "ts": round(at * 1e6, 3), "args": rate}


def facts(recording: Recording) -> dict[str, str]:
    """Return what viewers show about the whole trace."""
    return {
        "recorded": recording.subject() or UNKNOWN,
        "begun": recording.header.begun,
        "kernel": recording.header.kernel,
        "missed": " ".join(recording.missing()) or "nothing",
    }
