"""What a chart shows of a recording: rates over time, process by process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracer_tools.ctl.report import several
from tracer_tools.recording.lines import Step
from tracer_tools.recording.reading import Recording, name_of

MOST_SPANS = 100
"""As many as can be told apart on a chart; of longer recordings several intervals are one span."""
MOST_NAMES = 8
"""As many as can be told apart by colour."""


@dataclass(frozen=True)
class Span:
    """A part of the recording: one interval, or several; in seconds from the beginning."""

    begin: float
    end: float
    last: int
    """The number of its last interval."""


@dataclass(frozen=True)
class Band:
    """A process, or several together, in one column."""

    name: str
    total: int
    rates: Sequence[float]
    """Per second, in each span."""
    process: int | None = None
    """The number of the process in the recording; None if it is several."""


def spans(recording: Recording) -> list[Span]:
    """Return the spans of a recording, in their order."""
    ends = {step.interval: step.at for step in recording.steps}
    begins = {step.interval: step.at - step.seconds for step in recording.steps}
    numbers = sorted(ends)
    together = -(-len(numbers) // MOST_SPANS)
    groups = [numbers[at : at + together] for at in range(0, len(numbers), together or 1)]
    made = [Span(begins[group[0]], ends[group[-1]], group[-1]) for group in groups]
    return [span for span in made if span.end > span.begin]


def bands(recording: Recording, column: str, parts: Sequence[Span]) -> list[Band]:
    """Return the processes that did most in a column, largest first, and the others together."""
    ranked = sorted(recording.totals, key=lambda total: (-total.counters[column], total.process))
    busy = [total for total in ranked if total.counters[column]]
    shown = busy if len(busy) == MOST_NAMES + 1 else busy[:MOST_NAMES]
    groups = [(name_of(total), {total.process}) for total in shown]
    rest = {total.process for total in busy[len(shown) :]}
    if rest:
        groups.append((several(len(rest), "other process", "es"), rest))
    counts = {total.process: total.counters[column] for total in busy}
    rates = rates_of([which for _, which in groups], recording.steps, column, parts)
    return [
        Band(
            name,
            sum(counts[process] for process in which),
            each,
            min(which) if which is not rest else None,
        )
        for (name, which), each in zip(groups, rates)
    ]


def places(shown: Sequence[Band], ranking: Sequence[int]) -> list[int]:
    """Return for each band which colour it has, so that processes keep theirs where they can.

    `ranking` has the processes of the recording, those first that did most. A band of several
    processes has the colour after all others.
    """
    rank = {process: place for place, process in enumerate(ranking[:MOST_NAMES])}
    wanted = [rank.get(band.process or 0) for band in shown]
    free = iter(place for place in range(MOST_NAMES + 1) if place not in wanted)
    return [
        MOST_NAMES + 1 if band.process is None else next(free) if place is None else place
        for band, place in zip(shown, wanted)
    ]


def rates_of(
    groups: Sequence[set[int]], steps: Sequence[Step], column: str, parts: Sequence[Span]
) -> list[list[float]]:
    """Return for each group of processes what they did per second in each span."""
    group_of = {process: index for index, which in enumerate(groups) for process in which}
    sums = [[0] * len(parts) for _ in groups]
    part = 0
    for step in steps:  # they are in the order of time
        while part < len(parts) - 1 and step.interval > parts[part].last:
            part += 1
        if step.process in group_of and parts:
            sums[group_of[step.process]][part] += step.counters[column]
    return [
        [number / (span.end - span.begin) for number, span in zip(numbers, parts)]
        for numbers in sums
    ]
