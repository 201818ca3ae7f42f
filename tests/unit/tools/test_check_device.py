from __future__ import annotations

import errno
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tracer_tools import COLUMNS
from tracer_tools.check import counting, device
from tracer_tools.check.engine import Status
from tracer_tools.module import RELOAD
from tracer_tools.system import User

if TYPE_CHECKING:
    from tests.unit.tools.conftest import Machine

RULE = "/usr/lib/udev/rules.d/60-tracer.rules"


def test_the_right_node_passes(machine: Machine) -> None:
    machine.load_module()
    assert device.node_right(machine).status is Status.PASS


@pytest.mark.parametrize(
    "wrong", [{"owner": "ada"}, {"group": "root"}, {"mode": 0o600}, {"mode": 0o666}]
)
def test_wrong_owner_group_or_mode_is_mended_by_udev(
    machine: Machine, wrong: dict[str, object]
) -> None:
    machine.load_module()
    machine.tracer_node = replace(machine.tracer_node, **wrong)  # type: ignore[arg-type]
    assert device.node_right(machine).command == (
        "sudo chown root:tracer /dev/tracer && sudo chmod 0660 /dev/tracer"
    )
    machine.write(RULE, "")
    finding = device.node_right(machine)
    assert finding.status is Status.FAIL
    assert finding.command == "sudo udevadm trigger --name-match=/dev/tracer"


@pytest.mark.parametrize("wrong", [{"minor": 43}, {"is_character_device": False}])
def test_another_node_of_the_name_is_to_be_made_anew(
    machine: Machine, wrong: dict[str, object]
) -> None:
    machine.load_module()
    machine.tracer_node = replace(machine.tracer_node, **wrong)  # type: ignore[arg-type]
    assert device.node_right(machine).command.startswith("sudo rm /dev/tracer && sudo mknod")


def test_a_missing_node_is_to_be_made(machine: Machine) -> None:
    assert device.node_right(machine).command == (
        "sudo mknod -m 0660 /dev/tracer c 10 42 && sudo chgrp tracer /dev/tracer"
    )


def test_a_missing_group_is_to_be_made(machine: Machine) -> None:
    machine.load_module()
    machine.members = None
    machine.tracer_node = replace(machine.tracer_node, group="root", mode=0o600)
    assert device.node_right(machine).command.startswith("sudo groupadd --system tracer && ")


@pytest.mark.parametrize(
    ("groups", "members", "command"),
    [
        (set(), set(), "sudo adduser ada tracer"),
        (set(), {"ada"}, "newgrp tracer"),
        (
            {"tracer"},
            {"ada"},
            "sudo chown root:tracer /dev/tracer && sudo chmod 0660 /dev/tracer",
        ),
    ],
)
def test_a_user_kept_from_the_device_is_told_the_way_in(
    machine: Machine, groups: set[str], members: set[str], command: str
) -> None:
    machine.load_module()
    machine.who = User(1000, "ada", frozenset(groups))
    machine.members = frozenset(members)
    machine.open_fails_with(errno.EACCES)
    finding = device.may_open(machine)
    assert (finding.status, finding.command) == (Status.FAIL, command)


def test_other_distributions_have_no_adduser_for_this(machine: Machine) -> None:
    machine.load_module()
    machine.write("/etc/os-release", "ID=fedora\n")
    machine.open_fails_with(errno.EACCES)
    assert device.may_open(machine).command == "sudo usermod -aG tracer ada"


def test_a_process_monitored_already_is_left_so(machine: Machine) -> None:
    machine.load_module()
    machine.write("/proc/tracer", f"{' '.join(COLUMNS)}\n77 0 0 0 0 0 0 0 0 0\n")
    machine.answers = [errno.EEXIST, errno.EIO]
    finding = device.round_trip(machine)
    assert finding.status is Status.PASS
    assert machine.answers == [errno.EIO]


@pytest.mark.parametrize(
    ("number", "command"),
    [
        (errno.ENOSPC, f"{RELOAD} max_processes=32768"),
        (errno.EBUSY, "echo 1 | sudo tee /sys/kernel/debug/kprobes/enabled"),
        (errno.ENOMEM, ""),
    ],
)
def test_a_request_that_is_refused_names_what_lets_it_through(
    machine: Machine, number: int, command: str
) -> None:
    machine.load_module()
    machine.answers = [number]
    finding = device.round_trip(machine)
    assert (finding.status, finding.command) == (Status.FAIL, command)


def test_a_process_added_without_a_row_fails(machine: Machine) -> None:
    machine.load_module()
    assert "has no row" in device.round_trip(machine).fact


def test_counters_that_stand_still_fail_and_say_what_was_expected(machine: Machine) -> None:
    machine.load_module()
    machine.write("/proc/tracer", f"{' '.join(COLUMNS)}\n77 0 0 0 0 0 0 0 0 0\n")
    finding = counting.counts_exactly(machine)
    assert finding.status is Status.FAIL
    assert "sched 0 instead of 101" in finding.fact


def test_a_table_in_another_format_fails(machine: Machine) -> None:
    machine.load_module()
    machine.write("/proc/tracer", "PID colour\n")
    assert "unknown column 'colour'" in counting.table_known(machine).fact


def test_missed_samples_are_a_warning_that_names_the_symbols(machine: Machine) -> None:
    machine.load_module()
    assert counting.none_missed(machine).status is Status.PASS
    machine.write("/sys/class/misc/tracer/missed_samples", "3\n")
    machine.write(
        "/sys/kernel/debug/tracer/probes",
        "function symbol armed missed by\n"
        "kfree kfree yes 0 kretprobe\nkmalloc __kmalloc yes 3 kretprobe\n",
    )
    finding = counting.none_missed(machine)
    assert (finding.status, finding.detail) == (Status.WARN, ("__kmalloc: 3",))
