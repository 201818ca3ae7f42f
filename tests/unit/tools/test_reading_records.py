from __future__ import annotations

import errno
import os
import select
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Callable

import pytest

from tracer_tools import (
    DeviceError,
    FormatError,
    RequestError,
    Tracer,
    module_state,
    parse_records,
    refusals,
)
from tracer_tools.device import ADD_PROCESS, ADD_TREE, HAS_PROCESS, REMOVE_ALL
from tracer_tools.records import IN_TREE, LAYOUT, RUNNING, WITHHELD

if TYPE_CHECKING:
    from tests.unit.tools.conftest import Machine


def record(pid: int = 42, *, size: int = 144, flags: int = 0, **fields: int | bytes) -> bytes:
    """Return a record as the module writes it."""
    given = {"ppid": 1, "status": 0, "unfollowed": 0, "lost": 0, "name": b"cat", **fields}
    numbers = (given["ppid"], given["status"], given["unfollowed"], given["lost"])
    data = LAYOUT.pack(
        size, flags, pid, *numbers, given["name"], 10**9, 3 * 10**9, 7, *range(1, 10)
    )
    return data.ljust(size, b"\xff")


def test_a_record_has_the_layout_of_the_header() -> None:
    data = struct.pack("=IIiiiIQ", 144, IN_TREE, 42, 41, 0x0300, 5, 6) + b"cat".ljust(16, b"\0")
    data += struct.pack("=QQQ9Q", 10**9, 3 * 10**9, 7, *range(1, 10))
    (found,) = parse_records(data)
    assert (found.row.pid, found.ppid, found.exit_status) == (42, 41, 0x0300)
    assert (found.unfollowed, found.lost, found.missed, found.seconds) == (5, 6, 7, 2.0)
    assert list(found.row.counters().values()) == list(range(1, 10))
    assert (found.command, found.in_tree, found.withheld) == ("cat", True, False)


def test_records_of_later_modules_are_longer() -> None:
    found = parse_records(record(1, size=200) + record(2, flags=WITHHELD, size=144))
    assert [(each.row.pid, each.withheld) for each in found] == [(1, False), (2, True)]


@pytest.mark.parametrize(
    "data",
    [record()[:143], record() + b"\0", record() + b"\x90\0\0\0", record(size=144)[:3], bytes(144)],
)
def test_what_is_no_whole_record_is_named_by_its_byte(data: bytes) -> None:
    with pytest.raises(FormatError, match=r"/dev/tracer: byte \d+: no record"):
        parse_records(data)


def test_nothing_is_no_record() -> None:
    assert parse_records(b"") == []


def test_a_name_of_sixteen_bytes_that_cannot_be_printed() -> None:
    (found,) = parse_records(record(name=b"\x1b[31m\xff" + b"x" * 9))
    assert found.command == "?[31m\ufffd" + "x" * 9


@pytest.fixture
def device(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Put a pipe in the place of the device; give its other end."""
    machine.load_module()
    reader, writer = os.pipe()
    monkeypatch.setattr(machine, "open", lambda _name: reader)
    yield writer
    with suppress(OSError):  # a test may have closed it
        os.close(writer)


def test_without_waiting_only_what_waits_is_given(machine: Machine, device: int) -> None:
    with Tracer(machine) as tracer:
        assert list(tracer.ended(wait=False)) == []
        os.write(device, record(1) + record(2))
        assert [found.row.pid for found in tracer.ended(wait=False)] == [1, 2]
        assert not tracer.all_ended()
        os.close(device)
        assert tracer.all_ended()
        assert list(tracer.ended(wait=False)) == []


def test_waiting_ends_with_the_file(machine: Machine, device: int) -> None:
    def later() -> None:
        select.select([], [device], [])
        os.write(device, record(2))
        os.close(device)

    with Tracer(machine) as tracer:
        os.write(device, record(1))
        found = tracer.ended()
        assert next(found).row.pid == 1
        threading.Thread(target=later).start()
        assert [each.row.pid for each in found] == [2]


def test_no_record_is_lost_if_the_loop_is_left(machine: Machine, device: int) -> None:
    with Tracer(machine) as tracer:
        os.write(device, record(1) + record(2))
        os.close(device)
        assert next(tracer.ended()).row.pid == 1
        assert not tracer.all_ended()
        assert [found.row.pid for found in tracer.ended(wait=False)] == [2]
        assert tracer.all_ended()


def test_a_device_that_cannot_be_read(machine: Machine) -> None:
    machine.load_module()
    with Tracer(machine) as tracer:
        descriptor = os.open(machine.root, os.O_RDONLY)
        os.dup2(descriptor, tracer.fileno())
        os.close(descriptor)
        with pytest.raises(DeviceError, match="/dev/tracer cannot be read: Is a directory"):
            list(tracer.ended())


def test_a_module_that_knows_no_records_is_said_to_be_older() -> None:
    error = refusals.no_records("/dev/tracer", OSError(errno.EINVAL, ""))
    assert str(error).startswith("the loaded module is older than tracer-tools: run 'sudo")


def test_each_question_is_another_request(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.load_module()
    asked: list[int] = []
    monkeypatch.setattr(machine, "ioctl", lambda _fd, request, _pid: asked.append(request))
    with Tracer(machine) as tracer:
        tracer.add(5)
        tracer.add(5, tree=True)
        tracer.has(5)
    assert asked == [ADD_PROCESS, ADD_TREE, HAS_PROCESS]
    assert asked == [0x4004012A, 0x4004012C, 0x4004012E]


def test_what_was_added_here_is_told_from_all_else(machine: Machine) -> None:
    machine.load_module()
    machine.answers = [0, errno.ESRCH, errno.EPERM]
    with Tracer(machine) as tracer:
        assert tracer.has(5)
        assert not tracer.has(6)
        with pytest.raises(RequestError, match="process 7 is not yours to monitor"):
            tracer.has(7)


def test_all_can_be_removed_at_once(
    machine: Machine, device: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []

    def ioctl(_descriptor: int, request: int, argument: int) -> None:
        asked.append((request, argument))
        os.write(device, record(1) + record(2, flags=RUNNING))

    monkeypatch.setattr(machine, "ioctl", ioctl)
    with Tracer(machine) as tracer:
        tracer.remove_all()
        found = [(each.row.pid, each.running) for each in tracer.ended(wait=False)]
    assert asked == [(REMOVE_ALL, 0)] == [(0x12D, 0)]
    assert found == [(1, False), (2, True)]


@pytest.mark.parametrize(
    "request_", [Tracer.remove_all, lambda tracer: tracer.has(5), lambda tracer: tracer.add(5)]
)
def test_a_module_that_does_not_know_a_request_is_said_to_be_older(
    machine: Machine, request_: Callable[[Tracer], object]
) -> None:
    machine.load_module()
    machine.answers = [errno.ENOTTY]
    with Tracer(machine) as tracer, pytest.raises(DeviceError, match="older than tracer-tools"):
        request_(tracer)


def test_a_refused_tree_is_explained_like_any_process(machine: Machine) -> None:
    machine.load_module()
    machine.answers = [errno.EEXIST]
    with Tracer(machine) as tracer, pytest.raises(RequestError, match="monitored already"):
        tracer.add(5, tree=True)


def test_a_closed_tracer_has_no_descriptor(machine: Machine) -> None:
    machine.load_module()
    tracer = Tracer(machine)
    tracer.close()
    for use in (
        tracer.fileno,
        tracer.all_ended,
        lambda: tracer.add(5),
        lambda: list(tracer.ended()),
    ):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_the_state_of_the_module_says_what_was_not_followed(machine: Machine) -> None:
    machine.load_module()
    machine.write("/sys/class/misc/tracer/unfollowed", "3\n")
    assert module_state(machine).unfollowed == 3
