"""Records of ended processes, as /dev/tracer hands them out."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_tools import FormatError, Record, Row, parse_records

TREE, WITHHELD, RUNNING = 0x1, 0x2, 0x4


class TracerRecord(ctypes.Structure):
    """The struct tracer_record of tracer.h, laid out as a compiler of C does."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("pid", ctypes.c_int32),
        ("ppid", ctypes.c_int32),
        ("exit_status", ctypes.c_int32),
        ("unfollowed", ctypes.c_uint32),
        ("lost", ctypes.c_uint64),
        ("comm", ctypes.c_uint8 * 16),
        ("added_ns", ctypes.c_uint64),
        ("ended_ns", ctypes.c_uint64),
        ("missed", ctypes.c_uint64),
        ("counts", ctypes.c_uint64 * 9),
    )


SIZE = 144
NAME = 32
"""Where the name begins."""


@dataclass(frozen=True)
class Written:
    """A record, and the bytes that the module of this or of a later version writes of it."""

    record: Record
    data: bytes


def written(record: Record, flags: int, after_name: bytes, later: bytes) -> Written:
    """Return a record with its bytes; `later` are fields that a later version appended."""
    name = record.command.encode() + b"\0"
    comm = (name + after_name)[:15].ljust(16, b"\0")
    known = TREE * record.in_tree | WITHHELD * record.withheld | RUNNING * record.running
    numbers = (record.row.pid, record.ppid, record.exit_status, record.unfollowed, record.lost)
    times = (record.added_ns, record.ended_ns, record.missed)
    counts = (ctypes.c_uint64 * 9)(*record.row.counters().values())
    head = (SIZE + len(later), known | flags << 3, *numbers, (ctypes.c_uint8 * 16)(*comm))
    return Written(record, bytes(TracerRecord(*head, *times, counts)) + later)


def printed(text: str) -> str:
    """Return what of a text prints, as far as it has room in a name."""
    name = "".join(filter(str.isprintable, text)).encode()[:15]
    return name.decode(errors="ignore")


u32, u64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
s32, pids = st.integers(-(2**31), 2**31 - 1), st.integers(0, 2**31 - 1)
records = st.builds(
    written,
    st.builds(
        Record,
        row=st.builds(Row, pids, *[u64] * 9),
        ppid=pids,
        command=st.text(max_size=15).map(printed),
        exit_status=s32,
        in_tree=st.booleans(),
        withheld=st.booleans(),
        running=st.booleans(),
        added_ns=u64,
        ended_ns=u64,
        missed=u64,
        lost=u64,
        unfollowed=u32,
    ),
    flags=st.integers(0, 2**29 - 1),
    after_name=st.binary(max_size=15),
    later=st.sampled_from([b"", bytes(8), b"\xff" * 24]),
)
reads = st.lists(records, max_size=3)
# Sizes around those of records, before bytes that are as many as a record has or nearly.
sizes = st.sampled_from([0, 1, 143, 144, 145, 152, 288, 2**31, 2**32 - 1])
pieces = st.builds(
    lambda size, rest: size.to_bytes(4, "little") + rest,
    sizes,
    st.binary(min_size=136, max_size=150) | st.binary(min_size=12).map(lambda few: few * 12),
)
anything = st.binary() | st.lists(pieces, max_size=3).map(b"".join)


def joined(several: Sequence[Written]) -> bytes:
    """Return what read(2) gives."""
    return b"".join(each.data for each in several)


def test_the_record_here_is_as_large_as_the_module_says() -> None:
    assert (ctypes.sizeof(TracerRecord), TracerRecord.comm.offset) == (SIZE, NAME)


@given(reads)
def test_what_the_module_writes_is_read_as_it_was(several: list[Written]) -> None:
    assert parse_records(joined(several)) == [each.record for each in several]


def assert_whole(found: Sequence[Record], data: bytes) -> None:
    """Check that the records lie one behind the other, and that they are all that there is."""
    at = 0
    for record in found:
        size = int.from_bytes(data[at : at + 4], "little")
        assert SIZE <= size <= len(data) - at
        assert record.row.pid.to_bytes(4, "little", signed=True) == data[at + 8 : at + 12]
        assert record.row.unlock.to_bytes(8, "little") == data[at + 136 : at + SIZE]
        at += size
    assert at == len(data)


@given(anything)
def test_any_bytes_are_whole_records_or_refused(data: bytes) -> None:
    try:
        found = parse_records(data)
    except FormatError as error:
        refusal = error.message
    else:
        assert_whole(found, data)
        return
    assert refusal.startswith("/dev/tracer: byte ")


@given(reads)
def test_a_read_that_is_cut_off_has_whole_records_or_is_refused(several: list[Written]) -> None:
    data = joined(several)
    whole = {len(joined(several[:count])): count for count in range(len(several) + 1)}
    for length in range(len(data)):
        if length in whole:
            expected = [each.record for each in several[: whole[length]]]
            assert parse_records(data[:length]) == expected
        else:
            with pytest.raises(FormatError):
                parse_records(data[:length])


@given(reads, records, reads, u32)
def test_a_size_that_no_record_has_is_refused(
    before: list[Written], one: Written, after: list[Written], size: int
) -> None:
    rest = one.data[4:] + joined(after)
    if SIZE <= size <= 4 + len(rest):
        size = size % SIZE
    with pytest.raises(FormatError, match=f"byte {len(joined(before))}: no record"):
        parse_records(joined(before) + size.to_bytes(4, "little") + rest)


@given(records, st.binary(max_size=15))
def test_a_name_prints_and_has_fifteen_characters_at_most(one: Written, name: bytes) -> None:
    data = one.data[:NAME] + name.ljust(16, b"\0") + one.data[NAME + 16 :]
    (found,) = parse_records(data)
    assert found.command.isprintable()
    assert len(found.command) <= 15


@given(
    reads, records, st.binary(min_size=16, max_size=16).map(lambda name: name.replace(b"\0", b"0"))
)
def test_a_name_without_an_end_is_refused(before: list[Written], one: Written, name: bytes) -> None:
    data = one.data[:NAME] + name + one.data[NAME + 16 :]
    with pytest.raises(FormatError, match=f"byte {len(joined(before))}: no record"):
        parse_records(joined(before) + data)
