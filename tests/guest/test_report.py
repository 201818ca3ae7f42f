"""The text of /proc/tracer."""

from __future__ import annotations

import os
import re
import stat

import device
import proctracer
from case import GuestTest
from processes import Child
from proctracer import REPORT


def read_in_pieces(size: int) -> str:
    """Read the report by read(2) calls of at most `size` bytes."""
    fd = os.open(REPORT, os.O_RDONLY)
    pieces: list[bytes] = []
    try:
        while not pieces or pieces[-1]:
            pieces.append(os.read(fd, size))
    finally:
        os.close(fd)
    return b"".join(pieces).decode("ascii")


def columns_of(line: str) -> list[int]:
    """Give where the columns of a line begin."""
    return [match.start() for match in re.finditer(r"\S+", line)]


class Report(GuestTest):
    def still_processes(self, count: int) -> list[Child]:
        """Give monitored processes that do nothing, so that the text stays as it is."""
        children = [self.sleeper() for _ in range(count)]
        for child in children:
            child.wait_parked()
            device.add(child.pid)
        return children

    def test_anybody_may_read_it_and_nobody_write_it(self) -> None:
        mode = REPORT.stat().st_mode
        self.assertTrue(stat.S_ISREG(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o444)

    def test_with_nothing_monitored_there_is_only_the_header(self) -> None:
        text = REPORT.read_text(encoding="ascii")
        self.assertEqual(text.split(), proctracer.HEADER)
        self.assertEqual(text.count("\n"), 1)
        self.assertTrue(text.endswith("\n"))

    def test_the_header_names_the_columns(self) -> None:
        wanted = "PID kmalloc kfree kmalloc_mem kfree_mem sched up down lock unlock"
        self.assertEqual(REPORT.read_text(encoding="ascii").split(), wanted.split())

    def test_rows_are_in_ascending_order(self) -> None:
        children = [self.sleeper() for _ in range(7)]
        for index in [3, 0, 6, 1, 5, 2, 4]:
            device.add(children[index].pid)
        self.assertEqual(list(proctracer.rows()), sorted(child.pid for child in children))

    def test_ascending_means_as_numbers(self) -> None:
        device.add(2)
        self.addCleanup(device.remove, 2)
        child = self.monitored_sleeper()
        self.assertGreater(child.pid, 10)
        self.assertEqual(list(proctracer.rows()), [2, child.pid])

    def test_columns_stand_below_their_names(self) -> None:
        self.still_processes(3)
        device.add(os.getpid())
        self.addCleanup(device.remove, os.getpid())
        header, *lines = REPORT.read_text(encoding="ascii").splitlines()
        self.assertEqual(len(lines), 4)
        for line in lines:
            self.assertEqual(columns_of(line), columns_of(header), line)

    def assert_pieces_agree(self, size: int) -> None:
        self.still_processes(11)
        whole = REPORT.read_text(encoding="ascii")
        self.assertEqual(len(proctracer.parse(whole)), 11)
        self.assertEqual(read_in_pieces(size), whole)

    def test_reading_byte_by_byte_gives_the_same_text(self) -> None:
        self.assert_pieces_agree(1)

    def test_reading_by_seven_bytes_gives_the_same_text(self) -> None:
        self.assert_pieces_agree(7)

    def test_reading_by_pages_gives_the_same_text(self) -> None:
        self.assert_pieces_agree(4096)

    def test_reading_at_a_position_gives_that_part(self) -> None:
        self.still_processes(11)
        whole = REPORT.read_bytes()
        with REPORT.open("rb", buffering=0) as file:
            for position in [500, 3, 0, 77, len(whole) - 2]:
                self.assertEqual(os.pread(file.fileno(), 101, position), whole[position:][:101])

    def test_reading_past_the_end_gives_nothing(self) -> None:
        self.still_processes(1)
        with REPORT.open("rb", buffering=0) as file:
            self.assertEqual(os.pread(file.fileno(), 100, 100_000), b"")

    def test_seeking_to_the_start_reads_anew(self) -> None:
        first, second = self.still_processes(2)
        with REPORT.open("rb", buffering=0) as file:
            before = file.read(65536)
            device.remove(first.pid)
            file.seek(0)
            after = file.read(65536)
        self.assertIn(first.pid, proctracer.parse(before.decode()))
        self.assertEqual(list(proctracer.parse(after.decode())), [second.pid])

    def test_every_open_file_has_its_own_position(self) -> None:
        self.still_processes(3)
        with REPORT.open("rb", buffering=0) as one, REPORT.open("rb", buffering=0) as other:
            begun = one.read(30)
            whole = other.read(65536)
            self.assertEqual(begun + one.read(65536), whole)

    def test_it_cannot_be_written(self) -> None:
        self.assert_outcome("EIO", lambda: os.write(os.open(REPORT, os.O_WRONLY), b"0"))
