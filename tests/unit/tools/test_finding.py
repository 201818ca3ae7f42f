"""Which processes rules name, on a machine made of files."""

from __future__ import annotations

import os

import pytest
from tests.unit.tools.conftest import Machine

from tracer_tools.finding import find
from tracer_tools.rules import Rule

CGROUPS = "/sys/fs/cgroup"


class Populated(Machine):
    """A machine with processes and cgroups, whose users are ada (1000) and bob (1001)."""

    def put(
        self, pid: int, command: str = "cat", uid: int = 0, parent: int = 1, state: str = "S"
    ) -> None:
        facts = f"Name:\t{command}\nUmask:\t0022\nState:\t{state} (sleeping)\nTgid:\t{pid}\n"
        facts += f"Pid:\t{pid}\nPPid:\t{parent}\nTracerPid:\t0\nUid:\t{uid}\t0\t0\t0\nGid:\t0\n"
        self.write(f"/proc/{pid}/status", facts)

    def cgroup(self, path: str, *pids: int) -> None:
        self.write(f"{CGROUPS}/cgroup.controllers", "cpu memory\n")
        self.write(f"{CGROUPS}{path}/cgroup.procs", "".join(f"{pid}\n" for pid in pids))

    def user_id(self, name: str) -> int | None:
        return {"ada": 1000, "bob": 1001}.get(name)


@pytest.fixture
def populated(machine: Machine) -> Populated:
    made = Populated(machine.root)
    made.write("/proc/uptime", "")
    return made


def groups(machine: Machine, **conditions: str) -> dict[int, str]:
    """What one rule finds."""
    found = find([rule("g", **conditions)], machine)
    assert found.notes == {}
    return dict(found.groups)


def rule(group: str, **conditions: str) -> Rule:
    return Rule(group, "f.toml", 1, **conditions)


def test_a_unit_has_what_is_in_its_cgroup_and_below(populated: Populated) -> None:
    populated.cgroup("/system.slice/web.service", 10)
    populated.cgroup("/system.slice/web.service/worker", 11, 0, 12)
    populated.cgroup("/system.slice/webs.service", 13)
    populated.cgroup("/system.slice", 14)
    assert groups(populated, unit="web.service") == dict.fromkeys([10, 11, 12], "g")
    assert set(groups(populated, unit="web*.service")) == {10, 11, 12, 13}
    assert set(groups(populated, unit="system.slice")) == {10, 11, 12, 13, 14}


def test_a_cgroup_is_given_by_its_path(populated: Populated) -> None:
    populated.cgroup("/a/b", 10)
    populated.cgroup("/a/b/c", 11)
    populated.cgroup("/b", 12)
    populated.cgroup("/a", 13)
    assert set(groups(populated, cgroup="/a/b")) == {10, 11}
    assert set(groups(populated, cgroup="/a/b/")) == {10, 11}
    assert set(groups(populated, cgroup="/*")) == {10, 11, 12, 13}
    assert set(groups(populated, cgroup="/*/b")) == {10, 11}


def test_a_pattern_of_a_path_matches_no_other_depth(populated: Populated) -> None:
    populated.cgroup("/a/x/b", 10)
    assert groups(populated, cgroup="/a/b") == {}


def test_a_command_has_its_descendants_too(populated: Populated) -> None:
    populated.put(10, "make")
    populated.put(11, "sh", parent=10)
    populated.put(12, "cc1", parent=11)
    populated.put(13, "sh")
    populated.put(14, "makeinfo")
    assert set(groups(populated, command="make")) == {10, 11, 12}
    assert set(groups(populated, command="make*")) == {10, 11, 12, 14}


def test_a_user_is_the_real_one_by_name_or_number(populated: Populated) -> None:
    populated.put(10, uid=1000)
    populated.put(11, uid=1001)
    populated.put(12, uid=7)
    assert set(groups(populated, user="ada")) == {10}
    assert set(groups(populated, user="7")) == {12}


def test_all_conditions_hold_altogether(populated: Populated) -> None:
    populated.put(10, "sh", uid=1000)
    populated.put(11, "sh", uid=1001)
    populated.put(12, "cat", uid=1000)
    populated.put(13, "sh", uid=1000)
    populated.cgroup("/a", 10, 11, 12)
    assert set(groups(populated, user="ada", command="sh")) == {10, 13}
    assert set(groups(populated, user="ada", command="sh", cgroup="/a")) == {10}
    assert set(groups(populated, cgroup="/a", unit="b")) == set()


def test_a_descendant_in_another_cgroup_is_not_of_the_rule(populated: Populated) -> None:
    populated.put(10, "make")
    populated.put(11, "sh", parent=10)
    populated.cgroup("/a", 10)
    populated.cgroup("/b", 11)
    assert set(groups(populated, command="make", cgroup="/a")) == {10}


def test_zombies_and_those_that_ended_meanwhile_are_left_out(populated: Populated) -> None:
    populated.put(10, "make", state="Z")
    populated.write("/proc/11/comm", "make\n")
    assert groups(populated, command="*") == {}


def test_of_two_rules_the_first_has_a_process(populated: Populated) -> None:
    populated.put(10, "make", uid=1000)
    populated.put(11, "cat", uid=1000)
    found = find([rule("a", command="make"), rule("b", user="ada")], populated)
    assert found.groups == {10: "a", 11: "b"}


def test_a_user_that_is_not_there_is_noted(populated: Populated) -> None:
    populated.put(10, uid=1000)
    found = find([rule("a", user="eve"), rule("b", user="ada")], populated)
    assert found.notes == {"a": "there is no user 'eve' on this machine"}
    assert found.groups == {10: "b"}


def test_cgroups_of_version_1_are_noted(populated: Populated) -> None:
    populated.write(f"{CGROUPS}/systemd/system.slice/web.service/cgroup.procs", "10\n")
    found = find([rule("a", unit="web.service")], populated)
    assert "unit and cgroup need version 2 of cgroups" in found.notes["a"]
    assert found.groups == {}


def test_this_machine_has_this_process() -> None:
    assert find([rule("all", command="*")]).groups[os.getpid()] == "all"
