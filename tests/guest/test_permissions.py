"""Whose process a caller may monitor; the node is open to all here, so the driver decides."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Callable

import device
import identities
import processes
import proctracer
import records
import waiting
from case import GuestTest
from identities import ALICE, BOB, CAP_PERFMON, CAP_SYS_PTRACE, becoming
from processes import Child, Link

CAP_KILL = 5
ATTEMPTS = 23  # at something that needs to come at the right time
# Where a program with the set-user bit may be written and run: systemd mounts /run without.
FOLDERS = ("/run", "/var/tmp", "/tmp")
USELESS = os.ST_RDONLY | os.ST_NOSUID | os.ST_NOEXEC


def folder_for_programs() -> str:
    """Give the first of FOLDERS that is of use."""
    return next(folder for folder in FOLDERS if not os.statvfs(folder).f_flag & USELESS)


def asked_as(become: Callable[[], None], act: Callable[[int], None], pid: int) -> str:
    """Give the outcome of `act(pid)` in a process that has become somebody else."""

    def become_and_act() -> str:
        become()
        return device.outcome(act, pid)

    return str(processes.ask(become_and_act))


def pids_seen_as(become: Callable[[], None]) -> list[int]:
    """Give the PIDs in /proc/tracer as somebody else reads it."""

    def become_and_read() -> list[int]:
        become()
        return list(proctracer.rows())

    return list(processes.ask(become_and_read))


class Permission(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        self.open_node_to_all()

    def assert_may(self, become: Callable[[], None], pid: int, expected: str) -> None:
        """Check that ADD, the row and REMOVE go by one rule."""
        added = asked_as(become, device.add, pid)
        self.assertEqual(added, expected, "ADD")
        if expected != "OK":
            device.add(pid)
        seen = pids_seen_as(become)
        self.assertEqual(seen, [pid] if expected == "OK" else [], "row")
        removed = asked_as(become, device.remove, pid)
        self.assertEqual(removed, expected, "REMOVE")
        if expected != "OK":
            device.remove(pid)


class Users(Permission):
    def test_a_user_may_monitor_an_own_process(self) -> None:
        self.assert_may(becoming(ALICE), self.sleeper(becoming(ALICE)).pid, "OK")

    def test_another_users_process_is_refused(self) -> None:
        self.assert_may(becoming(ALICE), self.sleeper(becoming(BOB)).pid, "EPERM")

    def test_a_process_of_root_is_refused(self) -> None:
        self.assert_may(becoming(ALICE), self.sleeper().pid, "EPERM")

    def test_root_may_monitor_anybody(self) -> None:
        self.assert_may(lambda: None, self.sleeper(becoming(BOB)).pid, "OK")

    def test_a_different_real_user_is_refused(self) -> None:
        self.assert_may(becoming(ALICE), self.sleeper(becoming(BOB, ALICE, ALICE)).pid, "EPERM")

    def test_a_different_effective_user_is_refused(self) -> None:
        self.assert_may(becoming(ALICE), self.sleeper(becoming(ALICE, BOB, ALICE)).pid, "EPERM")

    def test_a_different_saved_user_is_refused(self) -> None:
        self.assert_may(becoming(ALICE), self.sleeper(becoming(ALICE, ALICE, BOB)).pid, "EPERM")

    def test_a_caller_without_rights_is_told_nothing_of_what_is_monitored(self) -> None:
        child = self.monitored_sleeper(becoming(BOB))
        self.assertEqual(asked_as(becoming(ALICE), device.add, child.pid), "EPERM")
        not_monitored = self.sleeper(becoming(BOB))
        removed = asked_as(becoming(ALICE), device.remove, not_monitored.pid)
        self.assertEqual(removed, "EPERM")

    def test_without_rights_a_missing_process_is_still_missing(self) -> None:
        self.assertEqual(asked_as(becoming(ALICE), device.add, 4_194_304), "ESRCH")

    def test_users_see_their_own_rows_only(self) -> None:
        of_alice = self.monitored_sleeper(becoming(ALICE))
        of_bob = self.monitored_sleeper(becoming(BOB))
        of_root = self.monitored_sleeper()
        self.assertEqual(pids_seen_as(becoming(ALICE)), [of_alice.pid])
        self.assertEqual(pids_seen_as(becoming(BOB)), [of_bob.pid])
        self.assertEqual(list(proctracer.rows()), sorted([of_alice.pid, of_bob.pid, of_root.pid]))

    def test_the_rows_are_those_of_who_opened_the_table(self) -> None:
        of_alice = self.monitored_sleeper(becoming(ALICE))
        self.monitored_sleeper()

        def read_as_root_what_alice_opened() -> list[int]:
            os.setresuid(ALICE, ALICE, 0)
            fd = os.open(proctracer.REPORT, os.O_RDONLY)
            os.setresuid(0, 0, 0)
            return list(proctracer.parse(os.read(fd, 65536).decode("ascii")))

        self.assertEqual(processes.ask(read_as_root_what_alice_opened), [of_alice.pid])

    def test_a_user_does_not_open_the_table_for_writing(self) -> None:
        def open_as_user() -> str:
            identities.become(ALICE)
            return device.outcome(os.open, proctracer.REPORT, os.O_WRONLY)

        self.assertEqual(processes.ask(open_as_user), "EACCES")

    def test_what_root_added_its_owner_may_remove(self) -> None:
        child = self.monitored_sleeper(becoming(ALICE))
        self.assertEqual(asked_as(becoming(ALICE), device.remove, child.pid), "OK")
        self.assertEqual(proctracer.rows(), {})


class Capabilities(Permission):
    def test_cap_sys_ptrace_allows_everything(self) -> None:
        self.assert_with_capability(CAP_SYS_PTRACE, "OK")

    def test_cap_perfmon_allows_everything(self) -> None:
        self.assert_with_capability(CAP_PERFMON, "OK")

    def test_another_capability_allows_nothing(self) -> None:
        self.assert_with_capability(CAP_KILL, "EPERM")

    def assert_with_capability(self, capability: int, expected: str) -> None:
        pid = self.sleeper(becoming(BOB)).pid
        self.assert_may(lambda: identities.become_with_capability(ALICE, capability), pid, expected)

    def test_capabilities_of_an_own_user_namespace_do_not_reach_out_of_it(self) -> None:
        def become() -> None:
            identities.become(ALICE)
            identities.unshare(identities.CLONE_NEWUSER)

        self.assert_may(become, self.sleeper(becoming(BOB)).pid, "EPERM")

    def test_the_owner_of_a_user_namespace_may_monitor_within_it(self) -> None:
        child = self.start(Child(self.live_in_a_namespace_of_alice))
        self.assertEqual(child.said(), "unshared")
        identities.map_users(child.pid, f"0 {ALICE} 1\n1 {BOB} 1\n")
        child.tell()
        self.assertEqual(child.said(), "is bob")
        self.assert_may(becoming(ALICE), child.pid, "OK")

    @staticmethod
    def live_in_a_namespace_of_alice(link: Link) -> None:
        identities.become(ALICE)
        identities.unshare(identities.CLONE_NEWUSER)
        link.send("unshared")
        link.receive()
        os.setresuid(1, 1, 1)
        link.send("is bob")
        link.receive()


class SetUser(Permission):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(tempfile.mkdtemp(dir=folder_for_programs()))
        self.addCleanup(shutil.rmtree, self.folder)
        self.folder.chmod(0o755)
        self.shell = self.folder / "set-user-shell"
        shutil.copy("/bin/sh", self.shell)
        self.shell.chmod(stat.S_ISUID | 0o755)

    def become_set_user(self, link: Link) -> None:
        identities.become(ALICE)
        link.send("ready")
        link.receive()
        os.dup2(link.incoming, 0)
        os.dup2(link.outgoing, 1)
        os.execv(self.shell, [str(self.shell), "-p", "-c", "echo '\"exec\"'; read line"])

    def test_a_set_user_program_is_not_its_callers(self) -> None:
        child = self.start(Child(self.become_set_user))
        child.said()
        child.tell()
        self.assertEqual(child.said(), "exec")
        self.assertEqual(Path(f"/proc/{child.pid}").stat().st_uid, 0)
        self.assert_may(becoming(ALICE), child.pid, "EPERM")

    def test_a_monitored_process_that_runs_a_set_user_program_is_out_of_reach(self) -> None:
        child = self.start(Child(self.become_set_user))
        child.said()
        self.assertEqual(asked_as(becoming(ALICE), device.add, child.pid), "OK")
        self.assertEqual(pids_seen_as(becoming(ALICE)), [child.pid])
        child.tell()
        self.assertEqual(child.said(), "exec")
        self.assertEqual(pids_seen_as(becoming(ALICE)), [])
        self.assertEqual(asked_as(becoming(ALICE), device.remove, child.pid), "EPERM")
        self.assertEqual(list(proctracer.rows()), [child.pid])

    def test_the_file_that_added_it_tells_no_more_than_that_it_runs(self) -> None:
        child = self.start(Child(self.become_set_user))
        child.said()

        def hold_open(link: Link) -> None:
            identities.become(ALICE)
            with device.opened(os.O_RDWR | os.O_NONBLOCK) as fd:
                records.add(fd, child.pid)
                link.send("added")
                link.receive()
                link.send(device.outcome(records.ask_has, fd, child.pid))
                records.remove_all(fd)
                found = records.read_all(fd)
                link.send([[one.flags, one.counters == proctracer.Counters()] for one in found])

        holder = self.start(Child(hold_open))
        self.assertEqual(holder.said(), "added")
        child.tell()
        self.assertEqual(child.said(), "exec")
        holder.tell()
        self.assertEqual(holder.said(), "EPERM")
        self.assertEqual(holder.said(), [[records.WITHHELD | records.RUNNING, True]])

    def test_one_that_runs_it_while_it_is_added_is_not_told_of(self) -> None:
        """The first ADD arms the probes, which is time enough to run a program."""

        def add_meanwhile() -> list[list[object]]:
            identities.become(ALICE)
            return [self.add_and_run() for _ in range(ATTEMPTS)]

        for said, flags in processes.ask(add_meanwhile):
            if said == "OK":
                self.assertEqual(flags, [records.WITHHELD])
            else:
                self.assertEqual((said, flags), ("EPERM", []))

    def add_and_run(self) -> list[object]:
        """Add a process that runs a set-user-ID shell meanwhile, and have that end."""
        start, end = os.pipe(), os.pipe()
        with device.opened() as fd:
            pid = processes.fork_ending_with_parent()
            if pid == 0:
                os.close(end[1])
                os.dup2(end[0], 0)
                os.read(start[0], 1)
                os.execv(self.shell, [str(self.shell), "-p", "-c", "read line"])
            os.write(start[1], b".")
            said = device.outcome(records.add, fd, pid)
            # Else it might end before it has run the program.
            waiting.until(
                lambda: Path(f"/proc/{pid}/stat").stat().st_uid == 0, "it runs the program"
            )
            os.close(end[1])
            os.waitpid(pid, 0)
            flags = [one.flags for one in records.read_all(fd)]
        for number in (*start, end[0]):
            os.close(number)
        return [said, flags]
