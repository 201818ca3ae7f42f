from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from tracer_tools import Row
from tracer_tools.columns import shortened
from tracer_tools.listing import Entry, plain_lines, terminal_table, with_commands
from tracer_tools.system import System

MOST = 2**64 - 1
SMALL = Row(42, 1, 2, 3, 4, 5, 6, 7, 8, 9)
LARGEST = Row(4194303, MOST, MOST, MOST, MOST, MOST, MOST, MOST, MOST, MOST)


def drawn(entries: list[Entry], width: int) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, color_system=None).print(terminal_table(entries, width))
    return file.getvalue().splitlines()


def test_a_pipe_gets_every_digit() -> None:
    lines = plain_lines([Entry(LARGEST, "cat")])
    assert lines[1].split() == ["4194303", *[str(MOST)] * 9, "cat"]


def test_a_command_name_with_blanks_is_the_rest_of_the_line() -> None:
    assert plain_lines([Entry(SMALL, "tmux: server")])[1].split(maxsplit=10)[10] == "tmux: server"


def test_a_terminal_gets_every_digit_where_there_is_room() -> None:
    row = Row(42, 123456789, 2, 3, 4, 5, 6, 7, 8, 9)
    lines = drawn([Entry(row, "cat")], 100)
    assert "kmalloc_mem" in lines[0]
    assert lines[1].split() == ["42", "123456789", *"23456789", "cat"]


def test_the_largest_numbers_fit_in_80_columns() -> None:
    lines = drawn([Entry(LARGEST, "a-command-of-15"), Entry(SMALL, "cat")], 80)
    assert len(lines) == 4
    assert max(map(len, lines)) <= 80
    assert lines[2].split()[:10] == ["4194303", *["18.4E"] * 9]
    assert lines[2].split()[10].startswith("a-command-")
    assert lines[3].split() == ["42", *"123456789", "cat"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (99_999, "99999"),
        (100_000, "100k"),
        (999_499, "999k"),
        (999_500, "1.00M"),
        (12_345_678, "12.3M"),
        (99_960_000, "100M"),
        (9_996_000, "10.0M"),
        (MOST, "18.4E"),
    ],
)
def test_a_shortened_number_has_at_most_five_characters(number: int, text: str) -> None:
    assert shortened(number) == text


def test_a_command_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    comm = tmp_path / "proc" / "42" / "comm"
    comm.parent.mkdir(parents=True)
    comm.write_bytes(b"\x1b[31m\nb\xc2\x9bd\xff\n")
    assert with_commands([SMALL], System(tmp_path))[0].command == "?[31m?b?d\ufffd"


def test_a_process_that_has_ended_has_no_command_name(tmp_path: Path) -> None:
    entry = with_commands([SMALL], System(tmp_path))[0]
    assert entry.command is None
    assert plain_lines([entry])[1].endswith(" ?")
