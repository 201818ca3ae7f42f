"""Sysfs values, debugfs, parameters, the node itself."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import device
import identities
import kmodule
import kprobes
import processes
from case import DEBUGFS, SYSFS, GuestTest, engine

VALUES = ["missed_samples", "processes", "unknown_blocks"]
FUNCTIONS = {
    "kmalloc",
    "kfree",
    "schedule",
    "up",
    "down_interruptible",
    "mutex_lock",
    "mutex_unlock",
}


def mode(path: Path) -> int:
    """Give the permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


class Sysfs(GuestTest):
    def test_each_value_is_one_number_that_anybody_may_read(self) -> None:
        for name in VALUES:
            with self.subTest(name):
                self.assertEqual(mode(SYSFS / name), 0o444)
                self.assertRegex((SYSFS / name).read_text(encoding="ascii"), r"\A\d+\n\Z")

    def test_processes_follows_what_is_monitored(self) -> None:
        counts: list[int] = [self.processes()]
        children = [self.sleeper() for _ in range(3)]
        for child in children:
            device.add(child.pid)
            counts.append(self.processes())
        device.remove(children[0].pid)
        counts.append(self.processes())
        children[1].kill()
        children[1].wait_zombie()
        counts.append(self.processes())
        self.assertEqual(counts, [0, 1, 2, 3, 2, 1])

    @staticmethod
    def processes() -> int:
        return int((SYSFS / "processes").read_text(encoding="ascii"))

    def test_the_engine_is_the_one_that_was_asked_for(self) -> None:
        self.assertEqual(mode(SYSFS / "engine"), 0o444)
        for asked in ("kretprobe", "ftrace"):
            if asked == "ftrace" and not kprobes.through_ftrace():
                continue  # breakpoints, as on arm64: refused
            self.reload(f"engine={asked}")
            self.assertEqual(engine(), asked)
            parameter = (kmodule.PARAMETERS / "engine").read_text(encoding="ascii").strip()
            self.assertEqual(parameter, asked)
            self.assertEqual("ftrace" in kprobes.by_what().values(), asked == "ftrace")

    def test_the_device_has_the_number_of_the_assignment(self) -> None:
        self.assertEqual((SYSFS / "dev").read_text(encoding="ascii"), "10:42\n")


class Node(GuestTest):
    def test_the_node_is_character_device_10_42(self) -> None:
        facts = device.NODE.stat()
        self.assertTrue(stat.S_ISCHR(facts.st_mode))
        self.assertEqual((os.major(facts.st_rdev), os.minor(facts.st_rdev)), (10, 42))

    def test_the_node_is_not_for_everybody(self) -> None:
        self.assertEqual(mode(device.NODE) & 0o007, 0)


class Parameters(GuestTest):
    def value(self, name: str) -> int:
        return int((kmodule.PARAMETERS / name).read_text(encoding="ascii"))

    def test_parameters_have_their_defaults(self) -> None:
        self.assertEqual(self.value("max_processes"), 16384)
        self.assertEqual(self.value("tracked_blocks"), 262144)

    def test_parameters_are_taken_at_load(self) -> None:
        self.reload("max_processes=17", "tracked_blocks=65536")
        self.assertEqual(self.value("max_processes"), 17)
        self.assertEqual(self.value("tracked_blocks"), 65_536)

    def test_parameters_are_read_only(self) -> None:
        for path in kmodule.PARAMETERS.iterdir():
            with self.subTest(path.name):
                self.assertEqual(mode(path), 0o444)
                self.assert_outcome("EACCES", os.open, path, os.O_WRONLY)


class Debugfs(GuestTest):
    def probes(self) -> list[dict[str, str]]:
        lines = (DEBUGFS / "probes").read_text(encoding="ascii").splitlines()
        names = lines[0].split()
        self.assertEqual(names, ["function", "symbol", "armed", "missed", "by"])
        return [dict(zip(names, line.split())) for line in lines[1:]]

    def test_every_function_has_a_probe(self) -> None:
        functions = {probe["function"] for probe in self.probes()}
        self.assertEqual(FUNCTIONS - functions, set())
        self.assertLessEqual(functions, FUNCTIONS | {"kfree_rcu"})

    def test_every_probe_names_its_symbol_once(self) -> None:
        symbols = [probe["symbol"] for probe in self.probes()]
        self.assertEqual(len(symbols), len(set(symbols)))
        known = {line.split()[2] for line in Path("/proc/kallsyms").read_text().splitlines()}
        self.assertEqual(set(symbols) - known, set())

    def test_no_probe_missed_anything(self) -> None:
        self.monitored_sleeper()
        self.assertEqual({probe["missed"] for probe in self.probes()}, {"0"})

    def test_nobody_writes_and_only_root_reads_what_processors_counted(self) -> None:
        self.assertEqual([mode(DEBUGFS / name) for name in ("probes", "cpus")], [0o444, 0o400])

    def test_a_user_opens_neither(self) -> None:
        def open_as_user() -> list[str]:
            identities.become(identities.ALICE)
            paths = (DEBUGFS / "probes", DEBUGFS / "cpus")
            return [device.outcome(os.open, path, os.O_RDONLY) for path in paths]

        self.assertEqual(processes.ask(open_as_user), ["EACCES", "EACCES"])
