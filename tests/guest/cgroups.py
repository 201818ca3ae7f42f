"""Memory cgroups: what is charged to one, and how much it may be."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import ftrace
from case import GuestTest

# From then on what each processor has counted is summed up (rstat).
EXACT = (5, 13)
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
        numbers = self._numbers("memory.stat")
        return sum(number for name, number in numbers.items() if name in STATISTICS)

    def leave_room(self, size: int) -> None:
        """Let it be charged with so many bytes more than it is, or somewhat more than these."""
        now = int((self.path / "memory.current").read_text(encoding="ascii"))
        (self.path / "memory.max").write_text(str(now + size), encoding="ascii")

    def lift_limit(self) -> None:
        """Let it be charged with any number of bytes."""
        (self.path / "memory.max").write_text("max", encoding="ascii")

    def killed(self) -> int:
        """Give how many of its processes were killed for its limit."""
        return self._numbers("memory.events")["oom_kill"]

    def _numbers(self, name: str) -> dict[str, int]:
        lines = (self.path / name).read_text(encoding="ascii").splitlines()
        return {key: int(number) for key, number in map(str.split, lines)}


class CgroupTest(GuestTest):
    # From then on the allocator frees lists of owners with its slabs, in any task.
    changes_the_kernel = True

    def setUp(self) -> None:
        super().setUp()
        self._folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
        self.addCleanup(self._folder.rmdir)
        subprocess.run(["mount", "-t", "cgroup2", "none", str(self._folder)], check=True)
        self.addCleanup(subprocess.run, ["umount", str(self._folder)], check=True)
        (self._folder / "cgroup.subtree_control").write_text("+memory", encoding="ascii")

    def need_fine_sums(self) -> None:
        """Skip the test where memory.stat may be some 100 KiB behind for as long as one waits."""
        if ftrace.kernel_release() < EXACT:
            self.skipTest("before 5.13 each processor keeps up to 128 KiB of a cgroup's sums")

    def group(self, name: str) -> Group:
        """Give a new cgroup, which goes when the test is over: its processes have to, before."""
        group = Group(self._folder / f"tracer-{name}")
        self.addCleanup(group.path.rmdir)
        return group
