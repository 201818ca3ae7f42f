from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from tracer_tools import DeviceError, RequestError, Tracer
from tracer_tools.system import User

if TYPE_CHECKING:
    from tests.unit.tools.conftest import Machine


def refusal(machine: Machine, request: str, pid: int, number: int) -> RequestError:
    machine.load_module()
    machine.answers = [number]
    with Tracer(machine) as tracer, pytest.raises(RequestError) as caught:
        getattr(tracer, request)(pid)
    assert (caught.value.pid, caught.value.errno) == (pid, number)
    return caught.value


@pytest.mark.parametrize("request_", ["add", "remove"])
def test_a_process_that_does_not_exist(machine: Machine, request_: str) -> None:
    assert str(refusal(machine, request_, 4194303, errno.ESRCH)) == "no process 4194303"


def test_a_zombie_is_said_to_have_ended(machine: Machine) -> None:
    machine.add_process(5, state="Z (zombie)")
    assert str(refusal(machine, "add", 5, errno.ESRCH)).startswith("process 5 has ended")


def test_removing_what_is_not_monitored(machine: Machine) -> None:
    machine.add_process(5)
    assert str(refusal(machine, "remove", 5, errno.ESRCH)) == "process 5 is not monitored"


def test_another_users_process_is_not_yours_to_monitor(machine: Machine) -> None:
    machine.add_process(1, uid=0)
    error = refusal(machine, "add", 1, errno.EPERM)
    assert str(error) == "process 1 is not yours to monitor: it belongs to root; use sudo"


@pytest.mark.parametrize("request_", ["add", "remove"])
def test_a_thread_is_answered_with_its_process(machine: Machine, request_: str) -> None:
    machine.add_process(31, leader=30)
    error = refusal(machine, request_, 31, errno.EINVAL)
    assert str(error) == "31 is a thread of process 30: give 30"


def test_a_process_monitored_already(machine: Machine) -> None:
    assert str(refusal(machine, "add", 5, errno.EEXIST)) == "process 5 is monitored already"


def test_a_full_table_names_process_and_limit_and_whose_the_rest_is(machine: Machine) -> None:
    error = refusal(machine, "add", 5, errno.ENOSPC)
    assert "process 5" in error.message
    assert "16384" in error.message
    assert "root" in error.message
    assert "max_processes" in error.hint


@pytest.mark.parametrize("pid", [0, -3, 2**31, 2**64])
def test_a_number_that_is_no_pid_never_reaches_the_kernel(machine: Machine, pid: int) -> None:
    machine.load_module()
    machine.answers = [errno.EIO]
    with Tracer(machine) as tracer, pytest.raises(RequestError, match=f"{pid} is no PID"):
        tracer.add(pid)
    assert machine.answers == [errno.EIO]


def test_without_the_device_the_error_says_how_to_load_the_module(machine: Machine) -> None:
    with pytest.raises(DeviceError, match="sudo modprobe tracer"):
        Tracer(machine)


@pytest.mark.parametrize(
    ("groups", "members", "hint"),
    [
        (set(), set(), "sudo adduser ada tracer"),
        (set(), {"ada"}, "log in again"),
        ({"tracer"}, {"ada"}, "sudo udevadm trigger"),
        (set(), None, "no group tracer"),
    ],
)
def test_a_closed_door_names_what_opens_it(
    machine: Machine, groups: set[str], members: set[str] | None, hint: str
) -> None:
    machine.who = User(1000, "ada", frozenset(groups))
    machine.members = None if members is None else frozenset(members)
    machine.open_fails_with(errno.EACCES)
    with pytest.raises(DeviceError, match=hint) as caught:
        Tracer(machine)
    assert caught.value.message == "you may not open /dev/tracer"


def test_a_node_that_leads_nowhere_while_the_module_is_loaded(machine: Machine) -> None:
    machine.load_module()
    machine.open_fails_with(errno.ENXIO)
    with pytest.raises(DeviceError, match="leads to no driver, though the module is loaded"):
        Tracer(machine)


def test_switched_off_kprobes_are_named(machine: Machine) -> None:
    assert "kprobes are off" in refusal(machine, "add", 5, errno.EBUSY).message


def test_a_tracer_can_be_closed_twice(machine: Machine) -> None:
    machine.load_module()
    tracer = Tracer(machine)
    tracer.close()
    tracer.close()
