"""How much memory the module takes: what the manual page tracer(4) says, measured."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Callable

import device
import footprint
import kmodule
import proctracer
import records
import waiting
from case import GuestTest
from cgroups import CgroupTest
from processes import Child, Link
from test_crowd import be_a_crowd

FILES = 1000
DESCRIPTORS = 2048  # more than FILES
OWNER = 8  # bytes that tell who pays for a block
CROWD = 500  # processes
READERS = 20
SIZES = [192, 256]  # of kmalloc, that the structures of the module have
MEMINFO = Path("/proc/meminfo")
REFRESH = Path("/proc/sys/vm/stat_refresh")
OF_TABLES = {"SUnreclaim", "VmallocUsed"}  # small tables and large ones
SMALL, LARGE = 32_768, 4_194_304  # blocks
CORE = Path("/sys/module/tracer/coresize")
CODE = 512 << 10  # bytes at most, of the module without the table


def need_usual_sizes(test: GuestTest) -> None:
    """Skip a test where the kernel looks for faults, and so puts something around what it has."""
    if not footprint.SLABS.exists():
        test.skipTest("there is no /proc/slabinfo to say what blocks of kmalloc take")
    found = [footprint.kmalloc_size(size) for size in SIZES]
    if found != SIZES:
        test.skipTest(f"this kernel looks for faults: blocks of {SIZES} bytes take {found}")


class Charges(CgroupTest):
    """What a cgroup is charged with, by a process that is in it and does as it is told."""

    def setUp(self) -> None:
        super().setUp()
        need_usual_sizes(self)
        self.need_fine_sums()
        self.payer = self.group("payer")

    def paying(self, act: Callable[[Link], object]) -> Child:
        """Start a process that is charged for what it does; it has said that it is ready."""

        def pay(link: Link) -> None:
            self.payer.enter()
            link.send("ready")
            act(link)

        child = self.start(Child(pay))
        child.said()
        return child

    def assert_grows(self, before: int, least: int, most: int) -> None:
        """Check that so many bytes are charged more; the kernel adds them up every other second.

        Two per cent are let pass, and what each processor keeps of either sum for later.
        """
        kept = 2 * footprint.processors() * os.sysconf("SC_PAGE_SIZE")

        def is_within() -> bool:
            grown = self.payer.charged() - before
            return least * 0.98 - kept <= grown <= most * 1.02 + kept

        try:
            waiting.until(is_within, "the sum is there", deadline=20)
        except waiting.NeverCameTrueError:
            grown = self.payer.charged() - before
            self.fail(f"charged {grown} bytes more, not {least} to {most}")


class OfCrowd(Charges):
    def test_processes_then_rows_of_readers_then_records_that_wait(self) -> None:
        crowd = self.start(Child(lambda link: be_a_crowd(link, CROWD)))
        pids = crowd.said()
        adder, reader = self.paying(self.add), self.paying(self.read)
        before = self.payer.charged()
        adder.tell(pids)
        self.assertEqual(adder.said(), "added")
        with self.subTest("processes"):
            size = CROWD * footprint.of_process()
            self.assert_grows(before, size, size)
        with self.subTest("rows of readers"):
            self.assert_readers_pay(reader)
        crowd.tell()
        crowd.reap()
        with self.subTest("records that wait"):
            size = CROWD * footprint.RECORD
            self.assert_grows(before, size, size)

    @staticmethod
    def add(link: Link) -> None:
        with device.opened() as fd:
            for pid in link.receive():
                records.add(fd, pid)
            link.send("added")
            link.receive()

    @staticmethod
    def read(link: Link) -> None:
        link.receive()
        files = [os.open(proctracer.REPORT, os.O_RDONLY) for _ in range(READERS)]
        for fd in files:
            os.read(fd, 1)
        link.send("read")
        link.receive()

    def assert_readers_pay(self, reader: Child) -> None:
        before = self.payer.charged()
        reader.tell()
        self.assertEqual(reader.said(), "read")
        rows = footprint.ROW * (CROWD + footprint.ROWS)
        block = 1 << (rows - 1).bit_length()  # kmalloc's blocks are powers of two
        page = os.sysconf("SC_PAGE_SIZE")  # what seq_file writes to; and it has small blocks
        self.assert_grows(before, READERS * (block + page), READERS * (block + 2 * page))
        reader.kill()
        reader.reap()


class OfFile(Charges):
    def test_an_open_file(self) -> None:
        def hold(link: Link) -> None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
            os.dup2(0, DESCRIPTORS - 1)  # the table of descriptors grows now, not meanwhile
            link.send("waits")
            link.receive()
            for _ in range(FILES):
                os.open(device.NODE, os.O_RDONLY)
            link.send("opened")
            link.receive()

        holder = self.paying(hold)
        self.assertEqual(holder.said(), "waits")
        before = self.payer.charged()
        holder.tell()
        self.assertEqual(holder.said(), "opened")
        of_any = footprint.slab_size("filp") + OWNER
        size = FILES * (of_any + footprint.FILE)
        self.assert_grows(before, size, size)


class Tables(GuestTest):
    def test_the_table_of_blocks(self) -> None:
        taken = []
        for blocks in (SMALL, LARGE):
            self.reload(f"tracked_blocks={blocks}")
            loaded = self.kernel_memory()
            kmodule.unload()
            taken.append(loaded - self.kernel_memory())
            kmodule.load()
        grown = taken[1] - taken[0]
        expected = footprint.BLOCK * (LARGE - SMALL)
        self.assertLess(abs(grown - expected), expected // 20)

    @staticmethod
    def kernel_memory() -> int:
        """Give the bytes of the kernel in what a table may be allocated from."""
        REFRESH.read_text(encoding="ascii")  # each processor's share is added up
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
        numbers = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        return 1024 * sum(number for name, number in numbers.items() if name in OF_TABLES)

    def test_the_table_of_processes(self) -> None:
        need_usual_sizes(self)
        size = int(CORE.read_text(encoding="ascii"))
        self.assertGreater(size, footprint.TABLE)
        self.assertLess(size, footprint.TABLE + CODE)
