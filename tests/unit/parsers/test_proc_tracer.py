"""/proc/tracer as tracer_tools reads it, and as the tests in guests do."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from types import ModuleType
from typing import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_tools import COLUMNS, FormatError, parse_table

Numbers = list[int]
"""A row: the PID and the nine counters."""

# As report.c has them.
WIDTHS = (7, 10, 10, 14, 14, 10, 10, 10, 10, 0)

pids = st.integers(1, 2**31 - 1)
counters = st.integers(0, 2**64 - 1)
rows = st.tuples(pids, *[counters] * 9).map(list)
tables = st.lists(rows, max_size=3, unique_by=lambda row: row[0])
# What Python takes for a blank, a line's end, a digit or a part of a number, and the kernel never
# writes.
STRANGE = "\t\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u2028\u3000\u0663\xb2_+-.xe\0"


def line(cells: Sequence[object]) -> str:
    """Return a line of the table as the kernel writes it, the header as any other."""
    return " ".join(f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS)) + "\n"


def table(numbers: Sequence[Numbers]) -> str:
    """Return the table as the kernel writes it."""
    return "".join(map(line, [COLUMNS, *numbers]))


def soup(*words: str) -> st.SearchStrategy[str]:
    """Give texts of these words, blanks and line ends, in any order."""
    return st.lists(st.sampled_from([" ", "\n", *words])).map("".join)


anything = st.one_of(
    st.text(),
    soup(*COLUMNS, *STRANGE),
    soup(*"0123456789", "1 2 3 4 5 6 7 8 9", *STRANGE).map(lambda text: line(COLUMNS) + text),
    soup("1 2 3 4 5 ", "6 7 8 9 0\n", *STRANGE).map(lambda text: line(COLUMNS) + text + "\n"),
)


@dataclass(frozen=True)
class Reader:
    """One parser of the table: the numbers that it finds, and what it raises."""

    read: Callable[[str], list[Numbers]]
    error: type[Exception]


@pytest.fixture(scope="session", params=["tracer_tools", "tests/guest"])
def reader(request: pytest.FixtureRequest, imported: Callable[[str], ModuleType]) -> Reader:
    if request.param == "tracer_tools":
        return Reader(lambda text: [list(astuple(row)) for row in parse_table(text)], FormatError)
    parse = imported("tests/guest/proctracer.py").parse
    return Reader(
        lambda text: [[pid, *astuple(counts)] for pid, counts in parse(text).items()], ValueError
    )


@given(tables)
def test_what_the_kernel_writes_is_read_as_it_was(reader: Reader, numbers: list[Numbers]) -> None:
    assert reader.read(table(numbers)) == numbers


@given(anything)
def test_any_text_is_read_word_for_word_or_refused(reader: Reader, text: str) -> None:
    try:
        found = reader.read(text)
    except reader.error:
        return
    said = [" ".join(map(str, cells)) for cells in [COLUMNS, *found]]
    assert [" ".join(filter(None, each.split(" "))) for each in text.split("\n")] == [*said, ""]


@given(tables)
def test_a_table_that_is_cut_off_has_whole_rows_or_is_refused(
    reader: Reader, numbers: list[Numbers]
) -> None:
    text = table(numbers)
    whole = list(itertools.accumulate(len(line(cells)) for cells in [COLUMNS, *numbers]))
    for length in range(len(text)):
        if length in whole:
            assert reader.read(text[:length]) == numbers[: whole.index(length)]
        else:
            with pytest.raises(reader.error):
                reader.read(text[:length])


@given(tables, st.data(), st.sampled_from(STRANGE), st.booleans())
def test_a_character_that_the_kernel_does_not_write_is_refused(
    reader: Reader, numbers: list[Numbers], data: st.DataObject, strange: str, added: bool
) -> None:
    text = table(numbers)
    at = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(reader.error):
        reader.read(text[:at] + strange + text[at + (not added) :])


@given(tables, rows, st.integers(0, 9), st.booleans())
def test_a_row_with_a_number_too_few_or_too_many_is_refused(
    reader: Reader, numbers: list[Numbers], row: Numbers, column: int, added: bool
) -> None:
    wrong = [*row[:column], *([0] if added else []), *row[column + (not added) :]]
    text = table(numbers) + " ".join(map(str, wrong)) + "\n"
    with pytest.raises(reader.error):
        reader.read(text)


@given(tables, rows, st.integers(0, 9), st.integers(0, 2**66 - 1))
def test_a_number_larger_than_the_kernel_has_is_refused(
    numbers: list[Numbers], row: Numbers, column: int, more: int
) -> None:
    wrong = [*row[:column], more + (2**31 if column == 0 else 2**64), *row[column + 1 :]]
    with pytest.raises(FormatError, match=f"^/proc/tracer: line {len(numbers) + 2}: "):
        parse_table(table([*numbers, wrong]))


@given(anything)
def test_what_is_refused_names_the_line(text: str) -> None:
    try:
        parse_table(text)
    except FormatError as error:
        refusal = error.message
    else:
        return
    assert refusal.startswith("/proc/tracer: line ")
    assert "\n" not in refusal
