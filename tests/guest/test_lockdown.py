"""A kernel that is locked down after the module was loaded.

That it loads signed modules only is the kernel's doing, and shown where a system boots with
Secure Boot. Nothing is unloaded here: nothing could be loaded again.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import proctracer
import records
from case import DEBUGFS, GuestTest
from processes import Child, Link

LEVELS = ("none", "integrity", "confidentiality")
YIELDS = 101


def answer(link: Link) -> None:
    """Answer whatever is said, which takes a call of schedule() each."""
    while True:
        link.send(link.receive())


class Lockdown(GuestTest):
    changes_the_kernel = True  # it is never undone; in order of name the lower level comes first

    def lock_down(self, level: str) -> None:
        """Bring the kernel to a level, or skip the test where the kernel has none."""
        folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
        self.addCleanup(folder.rmdir)
        subprocess.run(["mount", "-t", "securityfs", "none", str(folder)], check=True)
        self.addCleanup(subprocess.run, ["umount", str(folder)], check=True)
        file = folder / "lockdown"
        if not file.exists():
            self.skipTest("this kernel has no lockdown")
        before = self.level(file)
        if LEVELS.index(before) > LEVELS.index(level):
            self.skipTest(f"this kernel is locked down to {before} already")
        if before != level:
            file.write_text(level, encoding="ascii")
        self.assertEqual(self.level(file), level)

    @staticmethod
    def level(file: Path) -> str:
        """Give the level that stands in brackets."""
        return file.read_text(encoding="ascii").partition("[")[2].partition("]")[0]

    def assert_counts_and_tells(self) -> None:
        """Check that a process gets a row, is counted, and leaves a record."""
        fd = self.open_device(0)
        child = self.start(Child(answer))
        records.add(fd, child.pid, tree=True)
        before = proctracer.row(child.pid).sched
        for _ in range(YIELDS):
            child.tell()
            child.said()
        child.wait_parked()
        counted = proctracer.row(child.pid).sched - before
        self.assertGreater(counted, 0)
        child.kill()
        child.reap()
        (record,) = records.read_all(fd)
        self.assertGreaterEqual(record.counters.sched, counted)

    def assert_debugfs_is_read(self) -> None:
        """Check that root reads both files of debugfs, which are of the kind that may be read."""
        for name in ("probes", "cpus"):
            self.assertTrue((DEBUGFS / name).read_text(encoding="ascii"), name)

    def test_at_level_1_integrity_it_counts_on(self) -> None:
        self.lock_down("integrity")
        self.assert_counts_and_tells()

    def test_at_level_1_integrity_root_reads_debugfs(self) -> None:
        self.lock_down("integrity")
        self.assert_debugfs_is_read()

    def test_at_level_2_confidentiality_it_counts_on(self) -> None:
        self.lock_down("confidentiality")
        self.assert_counts_and_tells()

    def test_at_level_2_confidentiality_root_reads_debugfs(self) -> None:
        self.lock_down("confidentiality")
        self.assert_debugfs_is_read()
