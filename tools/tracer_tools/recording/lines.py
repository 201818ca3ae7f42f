"""The lines of a recording: JSON, one document a line, written and read strictly.

A header, then a line for each process and interval, then a line with the exact totals of each
process, then the end. A recording that was cut off lacks what would have come.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Callable, Union

from tracer_tools.ctl.report import Counters
from tracer_tools.errors import FormatError
from tracer_tools.table import COUNTERS

SCHEMA = 1
FORMAT = "tracer recording"
# How the fields of the classes below are called in the file, where that is not the same; the
# counters stand beside the other fields, by the names of their columns.
NAMES = {"pid": "PID"}


@dataclass(frozen=True)
class Header:
    """What was to be recorded, and where."""

    begun: str
    """Date and time, as ISO 8601 has them."""
    kernel: str
    interval: float
    """The seconds that an interval was to take."""
    command: list[str] | None
    """None if running processes were recorded, which `pids` names."""
    pids: list[int] | None


@dataclass(frozen=True)
class Step:
    """What a process did in an interval."""

    interval: int
    """Which one, from 1."""
    at: float
    """When it ended, in seconds from the beginning."""
    seconds: float
    """How long it was."""
    process: int
    """Which process of the recording, from 1: a PID can come again."""
    pid: int
    command: str | None
    counters: Counters


@dataclass(frozen=True)
class Total:
    """A process of the recording, and the sum of its intervals.

    That is its record as the module handed it out, unless the record was withheld or lost.
    """

    process: int
    pid: int
    parent: int | None
    command: str | None
    running: bool
    """Whether it ran on when the recording ended."""
    exit_status: int | None
    signal: str | None
    seconds: float | None
    """How long it was monitored; None if lost."""
    withheld: bool
    """Whether it had become another user's: what it did since the last interval is missing."""
    lost: bool
    """Whether its record was lost: what it did since the last interval is missing."""
    counters: Counters


@dataclass(frozen=True)
class End:
    """The last line: the sum over all processes, and what is missing from it."""

    seconds: float
    intervals: int
    processes: int
    exit_status: int | None
    """How the command ended; None if a signal killed it, or there was none."""
    signal: str | None
    lost: int
    missed: int
    unfollowed: int
    counters: Counters


Line = Union[Header, Step, Total, End]
KINDS: Mapping[str, type[Line]] = {"header": Header, "interval": Step, "total": Total, "end": End}
KIND_NAMES = {kind: name for name, kind in KINDS.items()}


def as_text(line: Line) -> str:
    """Return the text of a line."""
    document: dict[str, Any] = {"type": KIND_NAMES[type(line)]}
    if isinstance(line, Header):
        document.update(format=FORMAT, schema=SCHEMA)
    for field in fields(line):
        value = getattr(line, field.name)
        if field.name == "counters":
            document.update(value)
        else:
            document[NAMES.get(field.name, field.name)] = value
    return json.dumps(document) + "\n"


def parse_line(text: str, where: str) -> Line:
    """Return the line that a text is; `where` names file and line. Raises FormatError."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{where}: no JSON: {text[:60]!r}") from error
    name = document.get("type") if isinstance(document, dict) else None
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise FormatError(f"{where}: no line of a recording: {text[:60]!r}")
    if kind is Header:
        check_version(document, where)
    types = {field.name: field.type for field in fields(kind)}
    return kind(**{name: value_of(name, types[name], document, where) for name in types})


def check_version(document: Mapping[str, Any], where: str) -> None:
    """Raise FormatError unless a header is of the format and schema that this version knows."""
    if document.get("format") != FORMAT:
        raise FormatError(f"{where}: no line of a recording: its format is none")
    schema = document.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        message = f"{where}: the recording is of schema {schema!r}, and only {SCHEMA} is known"
        raise FormatError(message, "another version of tracer-tools made it")


def value_of(name: str, wanted: Any, document: Mapping[str, Any], where: str) -> Any:  # noqa: ANN401 -- as the field has it
    """Return the value of a field, which is of the `wanted` type. Raises FormatError."""
    if name == "counters":
        return {each: value_of(each, "int", document, where) for each in COUNTERS}
    key = NAMES.get(name, name)
    value = document.get(key, MISSING)
    if not CHECKS[wanted](value):
        found = "missing" if value is MISSING else f"{str(value)[:60]!r}"
        raise FormatError(f"{where}: {key} is {found}, and should be of type {wanted}")
    return value


MISSING = object()


def is_number(value: object) -> bool:
    """Return whether a value is a whole number from 0."""
    return type(value) is int and value >= 0


def is_time(value: object) -> bool:
    """Return whether a value can be a time in seconds."""
    return is_number(value) or (type(value) is float and math.isfinite(value) and value >= 0)


def is_text(value: object) -> bool:
    """Return whether a value is a text."""
    return type(value) is str


def or_none(check: Callable[[object], bool]) -> Callable[[object], bool]:
    """Return a check that lets null pass, too."""
    return lambda value: value is None or check(value)


def all_of(check: Callable[[object], bool]) -> Callable[[object], bool]:
    """Return a check of every value in a list."""
    return lambda values: type(values) is list and all(map(check, values))


# By the types of the fields, as they are written above.
CHECKS: Mapping[str, Callable[[object], bool]] = {
    "bool": lambda value: type(value) is bool,
    "float": is_time,
    "float | None": or_none(is_time),
    "int": is_number,
    "int | None": or_none(is_number),
    "list[int] | None": or_none(all_of(is_number)),
    "list[str] | None": or_none(all_of(is_text)),
    "str": is_text,
    "str | None": or_none(is_text),
}
