"""Recordings that are made up, for the tests of what reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tracer_tools.recording.lines import End, Header, Step, Total
from tracer_tools.recording.reading import Recording, summed
from tracer_tools.table import COUNTERS

HEADER = Header("2026-11-24T01:02:03+00:00", "6.1.0-50-amd64", 1.0, ["make", "-j2"], None)


def counters(number: int, **others: int) -> dict[str, int]:
    return {**dict.fromkeys(COUNTERS, number), **others}


def recording(
    processes: Mapping[str, Sequence[Mapping[str, int] | None]], header: Header = HEADER
) -> Recording:
    """Return a recording of processes by name, with what they did in each second, if they were."""
    length = max(map(len, processes.values()), default=0)
    steps, totals = [], []
    for second in range(length):
        for number, (name, done) in enumerate(processes.items(), start=1):
            found = done[second] if second < len(done) else None
            if found is not None:
                at = float(second + 1)
                steps.append(Step(second + 1, at, 1.0, number, 100 + number, name, dict(found)))
    for number, (name, done) in enumerate(processes.items(), start=1):
        whole = summed([dict(each) for each in done if each is not None])
        seconds = float(sum(each is not None for each in done))
        facts = {"running": False, "withheld": False, "lost": False}
        totals.append(
            Total(
                number,
                100 + number,
                1,
                name,
                exit_status=0,
                signal=None,
                seconds=seconds,
                counters=whole,
                **facts,
            )
        )
    whole = summed([total.counters for total in totals])
    end = End(float(length), length, len(totals), 0, None, 0, 0, 0, whole)
    return Recording(header, steps, totals, end)
