"""What the lab makes of QEMU's own words on how a guest ended."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracer_lab.qmp import Monitor


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Monitor]:
    with Monitor(tmp_path / "qmp") as ours:
        yield ours


def hear(monitor: Monitor, *sent: bytes) -> None:
    """Connect as QEMU does, say these things one after the other, and go."""
    with socket.socket(socket.AF_UNIX) as qemu:
        qemu.connect(str(monitor.path))
        assert monitor.connect(is_alive=lambda: True)
        for piece in sent:
            qemu.sendall(piece)
            assert monitor.listen()
    while monitor.listen():
        pass


def ended(reason: str) -> bytes:
    return json.dumps({"event": "SHUTDOWN", "data": {"reason": reason}}).encode() + b"\n"


def test_the_guests_own_shutdown_is_orderly(monitor: Monitor) -> None:
    hear(monitor, b'{"return": {}}\n' + ended("guest-shutdown"))
    assert monitor.powered_off


@pytest.mark.parametrize("reason", ["guest-reset", "guest-panic", "host-signal", "host-qmp-quit"])
def test_no_other_end_is_orderly(monitor: Monitor, reason: str) -> None:
    hear(monitor, ended(reason))
    assert not monitor.powered_off


def test_a_qemu_that_is_gone_without_a_word_was_not_orderly(monitor: Monitor) -> None:
    hear(monitor, b'{"return": {}}\n')
    assert not monitor.powered_off


def test_an_event_may_come_in_pieces(monitor: Monitor) -> None:
    whole = ended("guest-shutdown")
    hear(monitor, whole[:10], whole[10:])
    assert monitor.powered_off


def test_a_qemu_that_never_starts_is_not_waited_for(monitor: Monitor) -> None:
    assert not monitor.connect(is_alive=lambda: False)
