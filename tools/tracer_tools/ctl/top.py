"""The live table: what it shows, and what its keys do, without a terminal."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tracer_tools.columns import Line, Number, plain_lines, short_lines
from tracer_tools.ctl.options import pid_argument
from tracer_tools.ctl.report import several
from tracer_tools.listing import UNKNOWN
from tracer_tools.table import COLUMNS, COUNTERS, Row

TREND = 6
BARS, ASCII_BARS = "▁▂▃▄▅▆▇█", "_.-=+*%#"
HEADINGS = (*COLUMNS, "TREND", "COMMAND")
KEYS = "q quit  p pause  s sort  t rates/totals  a add  r remove"
QUESTIONS = {"a": "PID to add: ", "r": "PID to remove: "}
ENTER, ERASE, ESCAPE = "\r\n", "\x7f\b", "\x1b"
Rates = Mapping[str, float]


@dataclass(frozen=True)
class Seen:
    """A process in the table, and its rates in the last intervals, oldest first."""

    row: Row
    command: str | None
    history: tuple[Rates, ...] = ()

    def rate(self, column: str) -> float | None:
        """Return the calls or bytes per second in the last interval; None if there was none."""
        return self.history[-1][column] if self.history else None

    def numbers(self, *, totals: bool) -> list[Number]:
        """Return the totals, or the rates, in the order of the columns."""
        if totals:
            return list(self.row.counters().values())
        return [self.rate(name) for name in COUNTERS]

    def trend(self, column: str, bars: str) -> str:
        """Return the rates of a column as bars, the highest one for the largest of them."""
        rates = [rates[column] for rates in self.history]
        most = max(rates, default=0.0) or 1.0
        return "".join(bars[round(rate / most * (len(bars) - 1))] for rate in rates).rjust(TREND)


def look(
    before: Sequence[Seen], rows: Sequence[Row], commands: Mapping[int, str | None], seconds: float
) -> list[Seen]:
    """Return the processes after another look at the table, `seconds` later."""
    known = {seen.row.pid: seen for seen in before}
    return [after(known.get(row.pid), row, commands.get(row.pid), seconds) for row in rows]


def after(seen: Seen | None, row: Row, command: str | None, seconds: float) -> Seen:
    """Return a process after one interval; it is another one if a counter has shrunk."""
    if seen is None or seconds <= 0:
        return Seen(row, command)
    old, new = seen.row.counters(), row.counters()
    grown = {name: new[name] - old[name] for name in COUNTERS}
    if min(grown.values()) < 0:
        return Seen(row, command)
    rates = {name: number / seconds for name, number in grown.items()}
    return Seen(row, command, (*seen.history[1 - TREND :], rates))


@dataclass(frozen=True)
class View:
    """What is seen, and how it is to be shown."""

    column: str = COUNTERS[0]
    totals: bool = False
    paused: bool = False
    question: str = ""
    """The key whose question is being answered, or nothing."""
    answer: str = ""
    message: str = ""
    seen: tuple[Seen, ...] = ()
    missed: int = 0
    unfollowed: int = 0

    def notes(self) -> list[str]:
        """Return what makes the numbers less than the whole, since the first look."""
        missed, unfollowed = (
            several(self.missed, "sample"),
            several(self.unfollowed, "process", "es"),
        )
        notes = [f"{missed} missed"] if self.missed else []
        return [*notes, *([f"{unfollowed} not followed"] if self.unfollowed else [])]

    def in_order(self) -> list[Seen]:
        """Return the processes, the largest in the chosen column first."""
        return sorted(self.seen, key=self._rank)

    def _rank(self, seen: Seen) -> tuple[float, int]:
        number = seen.row.counters()[self.column] if self.totals else seen.rate(self.column)
        return (-1.0 if number is None else number) * -1, seen.row.pid


@dataclass(frozen=True)
class Request:
    """What a key asks for beyond the view: "quit", "add" or "remove", the latter of a PID."""

    what: str
    pid: int = 0


def press(view: View, key: str) -> tuple[View, Request | None]:
    """Return the view after a key, and what else is to be done."""
    view = replace(view, message="")
    if view.question:
        return answer(view, key)
    following = (COUNTERS.index(view.column) + 1) % len(COUNTERS)
    if key == "p":
        view = replace(view, paused=not view.paused)
    elif key == "t":
        view = replace(view, totals=not view.totals)
    elif key == "s":
        view = replace(view, column=COUNTERS[following])
    elif key in QUESTIONS:
        view = replace(view, question=key, answer="")
    return view, Request("quit") if key == "q" else None


def answer(view: View, key: str) -> tuple[View, Request | None]:
    """Return the view after a key of the answer to a question, and the request it makes."""
    if key.isascii() and key.isdigit() and len(view.answer) < 10:
        return replace(view, answer=view.answer + key), None
    if key in ERASE:
        return replace(view, answer=view.answer[:-1]), None
    done = replace(view, question="", answer="")
    if key in ESCAPE or (key in ENTER and not view.answer):
        return done, None
    if key not in ENTER:
        return view, None
    try:
        pid = pid_argument(view.answer)
    except ArgumentTypeError as error:
        return replace(done, message=str(error)), None
    return done, Request("add" if view.question == "a" else "remove", pid)


def screen(view: View, width: int, height: int, *, bars: str = BARS) -> list[str]:
    """Return the lines of the screen: state, headings, processes, keys; never more than fit."""
    table = short_lines(HEADINGS, lines(view, bars), width)
    room = max(height - 4, 0)
    shown, hidden = table[2:][:room], max(len(view.seen) - room, 0)
    padding = [""] * (room - len(shown))
    everything = [status(view, hidden)[:width], *table[:2], *shown, *padding, bottom(view)[:width]]
    return everything[:height]


def status(view: View, hidden: int) -> str:
    """Return the first line."""
    parts = [f"{len(view.seen)} monitored" + (f" ({hidden} below)" if hidden else "")]
    parts.append(f"{'total' if view.totals else 'per second'}, by {view.column}")
    parts.extend(["PAUSED"] if view.paused else [])
    return "  ".join([*parts, *view.notes()])


def bottom(view: View) -> str:
    """Return the last line: a question, else a message, else the keys."""
    if view.question:
        return f"{QUESTIONS[view.question]}{view.answer}_"
    return view.message or KEYS


def lines(view: View, bars: str) -> list[Line]:
    """Return a line for each process."""
    return [
        Line(
            str(seen.row.pid),
            seen.numbers(totals=view.totals),
            [seen.trend(view.column, bars), seen.command or UNKNOWN],
        )
        for seen in view.in_order()
    ]


def batch(view: View) -> list[str]:
    """Return the whole table for a pipe, in full, without a trend, and what is not in it."""
    headings = (*COLUMNS, "COMMAND")
    without = [Line(line.label, line.numbers, line.texts[1:]) for line in lines(view, BARS)]
    return [*plain_lines(headings, without), *(f"{note}." for note in view.notes())]
