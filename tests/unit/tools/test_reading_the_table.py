from __future__ import annotations

import re

import pytest

from tracer_tools import COLUMNS, DeviceError, FormatError, Row, parse_table, snapshot
from tracer_tools.system import System

HEADER = " ".join(COLUMNS)


def test_each_counter_is_read_from_its_own_column() -> None:
    rows = parse_table(f"{HEADER}\n42 1 2 3 4 5 6 7 8 9\n")
    assert rows == [
        Row(
            42,
            kmalloc=1,
            kfree=2,
            kmalloc_mem=3,
            kfree_mem=4,
            sched=5,
            up=6,
            down=7,
            lock=8,
            unlock=9,
        )
    ]
    assert list(rows[0].counters()) == list(COLUMNS[1:])


def test_columns_aligned_for_people_are_read() -> None:
    text = "PID   kmalloc kfree kmalloc_mem kfree_mem  sched   up     down  lock   unlock\n"
    text += "1099  0       0     0           0           1984   0      0     0      0\n"
    assert parse_table(text)[0].sched == 1984


def test_a_counter_may_use_all_64_bits() -> None:
    assert parse_table(f"{HEADER}\n1 {2**64 - 1} 0 0 0 0 0 0 0 0\n")[0].kmalloc == 2**64 - 1


def test_a_table_without_processes_has_no_rows() -> None:
    assert parse_table(f"{HEADER}\n") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the header is missing"),
        (f"{HEADER} colour\n", "line 1: unknown column 'colour'"),
        (HEADER.replace(" unlock", "") + "\n", "line 1: no column 'unlock'"),
        (HEADER.replace("up down", "down up") + "\n", "line 1: columns out of order"),
        (f"{HEADER}\n1 0 0 0 0 0 0 0 0\n", "line 2: 9 fields instead of 10"),
        (f"{HEADER}\n1 0 0 0 0 0 0 0 0 0\n2 -1 0 0 0 0 0 0 0 0\n", "line 3: kmalloc is no counter"),
        (f"{HEADER}\n1 0 0 0 0 0 0 0 0 0x1\n", "line 2: unlock is no counter: '0x1'"),
        (f"{HEADER}\n1 {2**64} 0 0 0 0 0 0 0 0\n", "line 2: kmalloc is no counter"),
        (f"{HEADER}\n0 0 0 0 0 0 0 0 0 0\n", "line 2: 0 is no PID"),
        (f"{HEADER}\n\n", "line 2: 0 fields"),
    ],
)
def test_anything_unknown_is_an_error_that_names_the_line(text: str, message: str) -> None:
    with pytest.raises(FormatError, match=re.escape(message)):
        parse_table(text)


def test_without_the_module_the_error_says_how_to_load_it(machine: System) -> None:
    with pytest.raises(DeviceError, match="sudo modprobe tracer"):
        snapshot(machine)
