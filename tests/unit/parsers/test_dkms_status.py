"""``dkms status``, as dkms 2.8 to 3.2 write it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tracer_tools.check.dkms import Entry, parse_status
from tracer_tools.errors import FormatError

# "tracer, 1.0.0" is dkms 2's and, of the state installed-weak, dkms 3's.
JOINTS = ("/", ", ")
REMARKS = (
    "",
    "(original_module exists)",
    "(WARNING! Diff between built and installed module!)",
    "(original_module exists) (WARNING! Missing some built modules!)",
    "(Differences between built and installed modules)",
)
# What would part a field in two, or a line.
STRANGE = " ,\t\r\v\f\x1c\x85\xa0\u2028\n"


@dataclass(frozen=True)
class Line:
    """A line of ``dkms status``, and what it says of tracer, None if it is about another module."""

    text: str
    entry: Entry | None


def line(entry: Entry, joint: str) -> Line:
    """Return the line that dkms writes of a module."""
    built_for = f", {entry.kernel}, {entry.arch}" if entry.kernel else ""
    remark = f" {entry.remark}" if entry.remark else ""
    return Line(f"tracer{joint}{entry.version}{built_for}: {entry.state}{remark}\n", entry)


versions = st.text("0123456789.+~-abcr", min_size=1, max_size=12)
kernels = st.text("0123456789.+_-amdx", min_size=1, max_size=24)
arches = st.sampled_from(["x86_64", "aarch64", "riscv64"])
of_no_kernel = st.builds(
    Entry, versions, st.just(""), st.just(""), st.sampled_from(["added", "broken"]), st.just("")
)
of_a_kernel = st.one_of(
    st.builds(
        Entry,
        versions,
        kernels,
        arches,
        st.sampled_from(["built", "installed"]),
        st.sampled_from(REMARKS),
    ),
    st.builds(
        Entry,
        versions,
        kernels,
        arches,
        st.just("installed-weak"),
        kernels.map("from {}".format),
    ),
)
tracers = st.builds(line, of_no_kernel | of_a_kernel, st.sampled_from(JOINTS))
others = st.sampled_from(
    ["other/1: added\n", "tracers/2, 6.1, x86_64: built\n", "tracer-x/1: broken\n"]
)
outputs = st.lists(tracers | others.map(lambda text: Line(text, None)), max_size=4)
# Lines about tracer whose parts are there or not, or are another's.
nearly = st.tuples(
    st.sampled_from(["tracer/", "tracer, ", "tracer,"]),
    st.sampled_from(["1.0", "1.0, 6.1-amd64, x86_64", "1.0, 6.1-amd64", ""]),
    st.sampled_from([": ", ":", ", ", *STRANGE]),
    st.sampled_from(["added", "installed", "installed-weak", "instal", "built", ""]),
    st.sampled_from(["", " ", " (Diff)", " (", " from 6.1", " from", *STRANGE]),
    st.sampled_from(["\n", "\n\n", ""]),
).map("".join)
anything = st.one_of(
    st.text(),
    st.text().map("tracer/{}\n".format),
    st.lists(nearly, min_size=1, max_size=3).map("".join),
)


def joined(lines: Sequence[Line]) -> str:
    """Return the output of dkms."""
    return "".join(each.text for each in lines)


def entries(lines: Sequence[Line]) -> list[Entry]:
    """Return what the lines say of tracer."""
    return [each.entry for each in lines if each.entry is not None]


@given(outputs)
def test_what_dkms_writes_is_read_as_it_was(lines: list[Line]) -> None:
    assert parse_status(joined(lines)) == entries(lines)


@given(anything)
def test_any_text_is_read_word_for_word_or_refused(text: str) -> None:
    try:
        found = parse_status(text)
    except FormatError as error:
        refusal = error.message
    else:
        lines = [each for each in text.split("\n") if each.startswith(("tracer/", "tracer,"))]
        assert len(found) == len(lines)
        for entry, said in zip(found, lines):
            assert f"{said.rstrip()}\n" in {line(entry, joint).text for joint in JOINTS}
        return
    assert refusal.startswith("dkms status: line ")
    assert "\n" not in refusal


@given(outputs)
def test_output_that_is_cut_off_has_whole_lines_or_is_refused(lines: list[Line]) -> None:
    text = joined(lines)
    whole = [0, *itertools.accumulate(len(each.text) for each in lines)]
    for length in range(len(text)):
        if length in whole:
            assert parse_status(text[:length]) == entries(lines[: whole.index(length)])
        else:
            with pytest.raises(FormatError):
                parse_status(text[:length])


@given(of_a_kernel, st.sampled_from(JOINTS), st.data(), st.sampled_from(STRANGE))
def test_a_field_that_is_parted_in_two_is_refused(
    entry: Entry, joint: str, data: st.DataObject, strange: str
) -> None:
    name = data.draw(st.sampled_from(["version", "kernel", "arch", "state"]))
    field: str = getattr(entry, name)
    at = data.draw(st.integers(0, len(field) - 1))
    garbled = replace(entry, **{name: field[:at] + strange + field[at:]})
    assume(not garbled.state.startswith("installed\n"))  # which is a state of its own
    with pytest.raises(FormatError, match="line 1: not understood"):
        parse_status(line(garbled, joint).text)


@given(tracers, st.data())
def test_a_state_that_lost_a_letter_is_refused(one: Line, data: st.DataObject) -> None:
    assert one.entry is not None
    state = one.entry.state
    at = data.draw(st.integers(0, len(state) - 1))
    garbled = one.text.replace(f": {state}", f": {state[:at]}{state[at + 1 :]}")
    with pytest.raises(FormatError, match="line 1: not understood"):
        parse_status(garbled)
