"""Recordings: what is written is read as it was, and anything else is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.tools.recordings import counters, recording

from tracer_tools.errors import FormatError
from tracer_tools.recording.lines import End, Header, Line, Step, Total, as_text, parse_line
from tracer_tools.recording.reading import Recording, parse
from tracer_tools.table import COUNTERS

numbers = st.integers(0, 2**64 - 1)
times = st.floats(0, 1e9)
texts = st.text(max_size=20)
counted = st.fixed_dictionaries(dict.fromkeys(COUNTERS, numbers))
lines: st.SearchStrategy[Line] = st.one_of(
    st.builds(Header, texts, texts, times, st.none() | st.lists(texts), st.none()),
    st.builds(Step, numbers, times, times, numbers, numbers, st.none() | texts, counted),
    st.builds(
        Total,
        *(numbers, numbers, st.none() | numbers, st.none() | texts, st.booleans()),
        *(st.none() | numbers, st.none() | texts, st.none() | times),
        *(st.booleans(), st.booleans(), counted),
    ),
    st.builds(
        End,
        *(times, numbers, numbers, st.none() | numbers, st.none() | texts),
        *(numbers, numbers, numbers, counted),
    ),
)
WHOLE = recording({"make": [counters(5), counters(7)], "cc": [None, counters(3)]})


def text_of(whole: Recording) -> str:
    lines: list[Line] = [whole.header, *whole.steps, *whole.totals]
    return "".join(map(as_text, [*lines, whole.end] if whole.end else lines))


TEXT = text_of(WHOLE)


@given(lines)
def test_a_line_is_read_as_it_was(line: Line) -> None:
    text = as_text(line)
    assert text.count("\n") == 1
    assert parse_line(text, "a") == line


@given(st.text())
def test_what_is_no_line_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match=r"^a: line 7: "):
        parse_line(text, "a: line 7")


values = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.lists(st.none())


@given(lines, st.data())
def test_a_field_that_is_something_else_is_refused_or_of_its_type(
    line: Line, data: st.DataObject
) -> None:
    document = json.loads(as_text(line))
    name = data.draw(st.sampled_from(sorted(document)))
    document[name] = data.draw(values)
    try:
        found = parse_line(json.dumps(document), "a")
    except FormatError:
        return
    assert json.loads(as_text(found)) == document


@given(lines, st.data())
def test_a_field_that_is_missing_is_refused(line: Line, data: st.DataObject) -> None:
    document = json.loads(as_text(line))
    del document[data.draw(st.sampled_from(sorted(document)))]
    with pytest.raises(FormatError):
        parse_line(json.dumps(document), "a")


def test_a_recording_is_read_as_it_was() -> None:
    assert parse(TEXT, "a") == WHOLE


@given(st.integers(0, len(TEXT) - 1))
def test_wherever_it_is_cut_off_what_came_before_is_read(size: int) -> None:
    text = TEXT[:size]
    whole = text.count("\n")
    if whole == 0:
        with pytest.raises(FormatError, match="no header"):
            parse(text, "a")
        return
    found = parse(text, "a")
    assert found.end is None
    assert found.steps == WHOLE.steps[: whole - 1]
    assert found.sums()["kmalloc"] == sum(step.counters["kmalloc"] for step in found.steps)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"schema": 1', '"schema": 2', "line 1: the recording is of schema 2, and only 1 is known"),
        ('"format": "tracer recording"', '"format": "x"', "line 1: no line of a recording"),
        ('"kmalloc": 7', '"kmalloc": 8', "the intervals of process 1 are not its total"),
        ('"kmalloc": 15', '"kmalloc": 16', "the totals of the processes are not that of the end"),
        ('"kmalloc": 7', '"kmalloc": -7', "line 3: kmalloc is '-7', and should be of type int"),
        ('"interval": 2', '"interval": 0', "line 3: an interval after a later one"),
        ('"seconds": 1.0', '"seconds": 9.0', "line 2: an interval that is longer than"),
    ],
)
def test_what_cannot_have_been_recorded_is_refused(before: str, after: str, message: str) -> None:
    assert before in TEXT
    with pytest.raises(FormatError, match=message):
        parse(TEXT.replace(before, after, 1), "a")


def test_lines_in_another_order_are_refused() -> None:
    first, second, *rest = TEXT.splitlines(keepends=True)
    for mixed in ([first, *rest, second], [first, first, second, *rest], [first, *rest, rest[-1]]):
        with pytest.raises(FormatError, match=r"^a: line \d+: "):
            parse("".join(mixed), "a")


def test_a_process_without_a_total_is_refused() -> None:
    text = "".join(
        line for line in TEXT.splitlines(keepends=True) if '"total", "process": 2' not in line
    )
    with pytest.raises(FormatError, match="process 2 has no total"):
        parse(text, "a")
