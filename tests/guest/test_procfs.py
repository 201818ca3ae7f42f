"""The table in other mounts of procfs than /proc."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Callable

import device
import identities
import processes
import proctracer
from case import GuestTest, always_ready
from identities import ALICE, BOB, becoming
from processes import Child, Link


def mount(folder: Path, options: str = "rw") -> None:
    """Mount the procfs of the caller's PID namespace."""
    subprocess.run(["mount", "-t", "proc", "-o", options, "proc", str(folder)], check=True)


class Procfs(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
        self.addCleanup(self.folder.rmdir)
        self.folder.chmod(0o755)

    def mount(self, options: str) -> None:
        """Mount a procfs with options until the test is over."""
        mount(self.folder, options)
        self.addCleanup(subprocess.run, ["umount", str(self.folder)], check=True)

    def rows_seen_by(self, become: Callable[[], object]) -> list[int]:
        """Give the PIDs that somebody finds in the table there."""

        def become_and_read() -> list[int]:
            become()
            text = (self.folder / "tracer").read_text(encoding="ascii")
            return list(proctracer.parse(text))

        return list(processes.ask(become_and_read))

    def finds_process(self, become: Callable[[], object], pid: int) -> bool:
        """Say whether somebody finds the folder of a process there."""

        def become_and_look() -> bool:
            become()
            return (self.folder / str(pid)).exists()

        return bool(processes.ask(become_and_look))

    def test_with_hidepid_users_see_their_own_rows_only(self) -> None:
        self.mount("hidepid=2")
        of_alice = self.monitored_sleeper(becoming(ALICE))
        of_bob = self.monitored_sleeper(becoming(BOB))
        self.assertFalse(self.finds_process(becoming(ALICE), of_bob.pid))
        self.assertEqual(self.rows_seen_by(becoming(ALICE)), [of_alice.pid])
        self.assertEqual(self.rows_seen_by(becoming(BOB)), [of_bob.pid])

    def test_with_hidepid_root_sees_every_row(self) -> None:
        self.mount("hidepid=2")
        pids = [self.monitored_sleeper(becoming(user)).pid for user in (ALICE, BOB, 0)]
        self.assertEqual(self.rows_seen_by(always_ready), sorted(pids))

    def test_with_processes_alone_there_is_no_table(self) -> None:
        self.mount("subset=pid")
        self.assertTrue((self.folder / "self").exists())
        self.assertFalse((self.folder / "tracer").exists())

    def test_the_procfs_of_another_pid_namespace_has_the_rows_of_the_reader(self) -> None:
        first = self.mount_in_another_pid_namespace()
        self.assertEqual(
            [entry.name for entry in self.folder.iterdir() if entry.name.isdigit()], ["1"]
        )
        of_alice = self.monitored_sleeper(becoming(ALICE))
        device.add(first)
        self.assertEqual(self.rows_seen_by(becoming(ALICE)), [of_alice.pid])
        self.assertEqual(self.rows_seen_by(always_ready), sorted([of_alice.pid, first]))

    def mount_in_another_pid_namespace(self) -> int:
        """Have process 1 of a new PID namespace mount its procfs; give its number out here."""

        def be_first(link: Link) -> None:
            mount(self.folder)
            link.send("mounted")
            link.receive()

        def make(link: Link) -> None:
            identities.unshare(identities.CLONE_NEWPID)
            with Child(be_first) as first:
                first.said()
                link.send(first.pid)
                link.receive()

        pid = int(self.start(Child(make)).said())
        self.addCleanup(subprocess.run, ["umount", str(self.folder)], check=True)
        return pid
