"""A recording as it is read from its file, whole or cut off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tracer_tools.columns import NONE
from tracer_tools.ctl.report import Counters, what_is_missing
from tracer_tools.errors import FormatError, TracerError
from tracer_tools.listing import UNKNOWN
from tracer_tools.recording.lines import End, Header, Line, Step, Total, parse_line
from tracer_tools.table import COUNTERS

CUT_OFF = (
    "The recording was cut off: what came after its last interval is not in it, and whether "
    "anything was missed before is not known."
)


@dataclass(frozen=True)
class Recording:
    """What processes did in each interval, and in all.

    Of one that was cut off the totals are what the intervals sum up to, and there is no end.
    """

    header: Header
    steps: list[Step]
    totals: list[Total]
    end: End | None

    def seconds(self) -> float:
        """Return how long it is."""
        return self.end.seconds if self.end else max((step.at for step in self.steps), default=0.0)

    def sums(self) -> Counters:
        """Return the sums over all processes."""
        return summed([total.counters for total in self.totals])

    def subject(self) -> str:
        """Return what was recorded."""
        if self.header.command is not None:
            return " ".join(self.header.command)
        pids = self.header.pids or []
        return f"process{'' if len(pids) == 1 else 'es'} {', '.join(map(str, pids))}"

    def ending(self) -> str:
        """Return how the command ended."""
        if self.end is None or self.header.command is None:
            return NONE
        if self.end.signal is not None:
            return f"killed by {self.end.signal}"
        return f"exit status {self.end.exit_status}"

    def missing(self) -> list[str]:
        """Return a sentence for each thing that is not in the numbers."""
        if self.end is None:
            return [CUT_OFF]
        withheld = sum(total.withheld for total in self.totals)
        lost = max(self.end.lost, sum(total.lost for total in self.totals))
        return what_is_missing(lost, self.end.unfollowed, withheld, self.end.missed)


def summed(counters: list[Counters]) -> Counters:
    """Return the sums of counters, by the names of their columns."""
    return {name: sum(each[name] for each in counters) for name in COUNTERS}


def name_of(total: Total) -> str:
    """Return what people call a process."""
    return f"{total.command or UNKNOWN} {total.pid}"


def read(name: str) -> Recording:
    """Return the recording in a file. Raises TracerError, of the kind FormatError with its line."""
    try:
        text = Path(name).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"{name}: line 1: no recording: it is no text") from error
    except OSError as error:
        raise TracerError(f"cannot read {name!r}: {error.strerror}") from error
    return parse(text, name)


def parse(text: str, name: str) -> Recording:
    """Return the recording that a text is; `name` is its file. Raises FormatError."""
    lines = list(parsed(text, name))
    if not lines or not isinstance(lines[0], Header):
        raise FormatError(f"{name}: line 1: no recording: it has no header")
    check_order(lines, name)
    steps = [line for line in lines if isinstance(line, Step)]
    totals = [line for line in lines if isinstance(line, Total)]
    end = lines[-1] if isinstance(lines[-1], End) else None
    if end is None:
        return Recording(lines[0], steps, by_intervals(steps), None)
    check_sums(steps, totals, end, name)
    return Recording(lines[0], steps, totals, end)


def parsed(text: str, name: str) -> Iterator[Line]:
    """Yield the whole lines; the last one may be cut off. Raises FormatError."""
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        yield parse_line(line, f"{name}: line {number}")


def check_order(lines: list[Line], name: str) -> None:
    """Raise FormatError unless the lines come as they are written."""
    order = [Header, Step, Total, End]
    before = lines[0]
    for number, line in enumerate(lines[1:], start=2):
        where = f"{name}: line {number}"
        if isinstance(line, (Header, End)) and type(line) is type(before):
            raise FormatError(f"{where}: there is one already")
        if order.index(type(line)) < order.index(type(before)):
            raise FormatError(f"{where}: it should come before the line above it")
        if isinstance(line, Step):
            begun = line.at - line.seconds
            if isinstance(before, Step) and (line.interval, line.at) < (before.interval, before.at):
                raise FormatError(f"{where}: an interval after a later one")
            if begun < -0.001:
                raise FormatError(f"{where}: an interval that is longer than the recording")
        before = line


def by_intervals(steps: list[Step]) -> list[Total]:
    """Return the sums of the intervals of each process, as totals without a record."""
    totals: dict[int, Total] = {}
    for step in steps:
        before = totals.get(step.process)
        counters = step.counters if before is None else summed([before.counters, step.counters])
        facts = {"running": False, "withheld": False, "lost": True}
        nothing = {"parent": None, "exit_status": None, "signal": None, "seconds": None}
        fresh = Total(step.process, step.pid, command=None, counters={}, **facts, **nothing)  # type: ignore[arg-type]
        totals[step.process] = replace(before or fresh, command=step.command, counters=counters)
    return list(totals.values())


def check_sums(steps: list[Step], totals: list[Total], end: End, name: str) -> None:
    """Raise FormatError unless the intervals sum up to the totals, and these to the end."""
    intervals = {each.process: each.counters for each in by_intervals(steps)}
    for total in totals:
        if intervals.pop(total.process, None) != total.counters:
            raise FormatError(f"{name}: the intervals of process {total.process} are not its total")
    if intervals:
        raise FormatError(f"{name}: process {min(intervals)} has no total")
    if summed([total.counters for total in totals]) != end.counters:
        raise FormatError(f"{name}: the totals of the processes are not that of the end")
