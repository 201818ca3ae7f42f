"""The figures of a run as tables: for the terminal and for docs/performance.md alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from tracer_lab.bench.bounds import Judged, Outcome, judged, ratio
from tracer_lab.bench.comparing import REPEATS
from tracer_lab.bench.figures import Run
from tracer_lab.bench.vocabulary import (
    BASELINE,
    CALLS,
    MEMORY,
    PIPE,
    PROGRAMS,
    READ_STAT,
    READ_TRACER,
    REQUESTS,
    ROWS,
    STATES,
    Work,
)

NOT_MEASURED = "-"


@dataclass(frozen=True)
class Table:
    """Rows of text under a head; a row has as many cells as the head."""

    title: str
    text: str  # what the numbers are
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int  # so many columns, from the left, are words; the others numbers


def tables(run: Run) -> list[Table]:
    """Everything that the run has figures for, but for the bounds."""
    made = (calls(run), programs(run), reading(run), requests(run), memory(run))
    return [table for table in made if table.rows]


def number(value: float | None, decimals: int | None = None) -> str:
    """A number for people: 12,345 but 99.9, unless ``decimals`` says how many."""
    if value is None:
        return NOT_MEASURED
    if decimals is None:
        decimals = 1 if abs(value) < 99.95 else 0
    text = f"{value:,.{decimals}f}"
    return text.lstrip("-") if not text.strip("-0.,") else text


def told(run: Run, work: Work, state: str) -> float | None:
    """What the state adds to a call, a pair or a round trip; of the baseline all that it takes."""
    value = run.value(work.name, state) if state == BASELINE else run.added(work.name, state)
    return None if value is None else value / work.divisor


def calls(run: Run) -> Table:
    """What each state adds to a call of each function."""
    works = (*CALLS, PIPE)
    rows = [
        (state.tool, state.counted, *(number(told(run, work, name)) for work in works))
        for name, state in STATES.items()
        if any(told(run, work, name) is not None for work in works)
    ]
    return Table(
        "Added to a call",
        "Instructions that are added to a call of the function, to a pair of kmalloc and kfree"
        " (of 64 bytes, and of n that the compiler does not know), and to a round trip over two"
        " pipes. The first row is not what is added but all that it takes without any tool."
        " `counts` is whom the tool counts: another process than the one that is measured, this"
        " one, or that many others at once.",
        ("tool", "counts", *(work.label for work in works)),
        rows,
        words=2,
    )


def programs(run: Run) -> Table:
    """What each state adds to whole programs."""
    rows: list[Sequence[str]] = []
    for name, state in STATES.items():
        values = [run.value(program, name) for program in PROGRAMS]
        if all(value is None for value in values):
            continue
        if name == BASELINE:
            cells = [number(value) for value in values]
        else:
            cells = [_percent(run, program, name) for program in PROGRAMS]
        rows.append((state.tool, state.counted, *cells))
    return Table(
        "Whole programs",
        "The first row is what a bogo-op of stress-ng takes, and a run of the others, in"
        " instructions; the next ones are how much more that is with each tool.",
        ("tool", "counts", *(program.removeprefix("stress-ng-") for program in PROGRAMS)),
        rows,
        words=2,
    )


def _percent(run: Run, program: str, state: str) -> str:
    share = ratio(run.added(program, state), run.value(program, BASELINE))
    return NOT_MEASURED if share is None else f"{share:+.1%}"


def reading(run: Run) -> Table:
    """What a row of /proc/tracer takes, against the kernel's own file of a process."""
    rows: list[Sequence[str]] = []
    for count in ROWS:
        ours, theirs = (run.reading(what, count) for what in (READ_TRACER, READ_STAT))
        if ours is not None or theirs is not None:
            share = ratio(ours, theirs)
            in_words = NOT_MEASURED if share is None else f"{share:.3f} x"
            rows.append((f"{count:,}", number(ours), number(theirs), in_words))
    return Table(
        "Reading",
        "Instructions a row of `/proc/tracer`, read as a whole, and a read of as many"
        " `/proc/PID/stat`.",
        ("rows", "a row", "a stat", "share"),
        rows,
        words=1,
    )


def requests(run: Run) -> Table:
    """What the life of the module takes, by engine."""
    return _by_state(
        run,
        "Requests",
        "Instructions that each takes, once. The first ADD arms the probes, the last REMOVE"
        " disarms them.",
        REQUESTS,
    )


def memory(run: Run) -> Table:
    """What the module holds, by engine."""
    return _by_state(run, "Memory", "Bytes that the module takes for each.", MEMORY)


def _by_state(run: Run, title: str, text: str, works: dict[str, str]) -> Table:
    states = list(dict.fromkeys(one.state for one in run.figures if one.work in works))
    rows = [
        (label, *(number(run.value(work, state), 0) for state in states))
        for work, label in works.items()
        if any(run.value(work, state) is not None for state in states)
    ]
    engines = [state.removeprefix("tracer-") for state in states]
    return Table(title, text, ("of", *engines), rows, words=1)


def bounds_table(run: Run) -> Table:
    """Each bound with the figure that comes nearest to it, or is furthest over it."""
    rows = [
        _bound_row(list(group))
        for _, group in groupby(judged(run), key=lambda one: (one.engine, one.name))
    ]
    return Table(
        "Bounds",
        "What tracer may add at most, in instructions or as so many times what the other adds,"
        " with the highest figure that was measured and which work that was. The floor is the same"
        " of probes that do nothing: of kprobes, and of an ftrace_ops.",
        ("engine", "bound", "highest of", "outcome", "floor", "figure", "limit"),
        rows,
        words=4,
    )


def _bound_row(group: Sequence[Judged]) -> Sequence[str]:
    worst = max(group, key=lambda one: one.share)
    lacking = [one.work for one in group if one.outcome is Outcome.UNKNOWN]
    outcome = worst.outcome.value
    if lacking and worst.figure is not None:
        outcome += f"; {Outcome.UNKNOWN.value}: {', '.join(lacking)}"
    limit = f"{worst.limit:g} {worst.unit.value}"
    floor, figure = (
        NOT_MEASURED if value is None else number(value, worst.unit.decimals)
        for value in (worst.floor, worst.figure)
    )
    of = NOT_MEASURED if worst.figure is None else worst.work
    return (worst.engine, worst.name, of, outcome, floor, figure, limit)


def lines_below(run: Run) -> Iterator[str]:
    """What there is to say that no table has room for."""
    clock = run.figure("loop", "clock")
    if clock is not None:
        yield (
            f"The guest's clock, by a loop of known length: {clock.value:.3f} nanoseconds"
            " an instruction."
        )
    several = [one for one in run.figures if one.batches > 1]
    apart = sorted((one for one in several if one.spread > REPEATS), key=lambda one: -one.spread)
    if several:
        yield (
            f"Of {len(several)} figures {len(several) - len(apart)} have batches that lie within"
            f" {REPEATS:.0%} of their median."
        )
    if apart:
        others = ", ".join(f"{one.work} in {one.state} ({one.spread:.1%})" for one in apart)
        yield f"Further apart are those of: {others}."
    why: dict[str, list[str]] = {}
    for one in run.absences:
        what = f"{one.state} ({one.work})" if one.work else one.state
        why.setdefault(one.absent, []).append(what)
    for reason, names in why.items():
        yield f"Not measured: {', '.join(names)}: {reason}"
