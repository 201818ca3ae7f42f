"""Whose memory cgroup pays for what an open file keeps."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import device
import records
from case import GuestTest
from processes import Child, Link

FILES = 20
SPARES = 256  # processes that a tree has memory for beforehand: session.c
AT_LEAST = FILES * SPARES * records.LAYOUT.size  # bytes
STATISTICS = {"slab_unreclaimable", "percpu"}


class Group:
    """A memory cgroup."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def enter(self) -> None:
        """Move this process into it; what was charged to another stays there."""
        (self.path / "cgroup.procs").write_text("0", encoding="ascii")

    def charged(self) -> int:
        """Give the bytes of kernel memory that are charged to it."""
        lines = (self.path / "memory.stat").read_text(encoding="ascii").splitlines()
        numbers = dict(line.split() for line in lines)
        return sum(int(number) for name, number in numbers.items() if name in STATISTICS)


class Charged(GuestTest):
    # From then on the allocator frees lists of owners with its slabs, in any task.
    changes_the_kernel = True

    def setUp(self) -> None:
        super().setUp()
        folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
        self.addCleanup(folder.rmdir)
        subprocess.run(["mount", "-t", "cgroup2", "none", str(folder)], check=True)
        self.addCleanup(subprocess.run, ["umount", str(folder)], check=True)
        (folder / "cgroup.subtree_control").write_text("+memory", encoding="ascii")
        self.opener, self.adder = (self.group(folder / f"tracer-{who}") for who in ("one", "two"))

    def group(self, path: Path) -> Group:
        """Give a new cgroup, which goes when the test is over."""
        group = Group(path)
        self.addCleanup(path.rmdir)
        return group

    def test_who_opened_the_file_pays(self) -> None:
        def act(link: Link) -> None:
            self.opener.enter()
            files = [os.open(device.NODE, os.O_RDWR) for _ in range(FILES)]
            self.adder.enter()
            link.send([self.opener.charged(), self.adder.charged()])
            for fd, pid in zip(files, link.receive()):
                records.add(fd, pid, tree=True)
            link.send([self.opener.charged(), self.adder.charged()])
            link.receive()

        sleepers = [self.sleeper() for _ in range(FILES)]
        child = self.start(Child(act))
        before = child.said()
        child.tell([sleeper.pid for sleeper in sleepers])
        after = child.said()
        opener, adder = (late - early for early, late in zip(before, after))
        self.assertGreater(opener, AT_LEAST)
        self.assertLess(adder, AT_LEAST // 4)
        for one in [*sleepers, child]:
            one.kill()
            one.reap()
