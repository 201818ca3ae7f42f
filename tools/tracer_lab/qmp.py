"""What QEMU itself says of a guest, over its QMP socket: above all, how the guest ended."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECONDS_A_LOOK = 0.5


class Monitor:
    """The host's end of one QEMU's QMP socket. QEMU connects to it, and closes it at its end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events: list[dict[str, Any]] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen(1)
        self._server.settimeout(SECONDS_A_LOOK)
        self._peer: socket.socket | None = None
        self._unread = b""

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        if self._peer is not None:
            self._peer.close()
        self._server.close()

    def connect(self, is_alive: Callable[[], bool]) -> bool:
        """Wait until QEMU calls; False if what starts it is not alive any more."""
        while is_alive():
            try:
                self._peer, _ = self._server.accept()
            except socket.timeout:
                continue
            self._peer.settimeout(SECONDS_A_LOOK)
            self._send("qmp_capabilities")
            return True
        return False

    def listen(self) -> bool:
        """Take in what QEMU says within half a second; False once it has gone."""
        if self._peer is None:
            return False
        try:
            received = self._peer.recv(65536)
        except socket.timeout:
            return True
        except ConnectionError:
            return False
        *whole, self._unread = (self._unread + received).split(b"\n")
        for line in whole:
            message = json.loads(line)
            if "event" in message:
                self.events.append(message)
        return bool(received)

    def quit(self) -> None:
        """Tell QEMU to end now."""
        self._send("quit")

    @property
    def powered_off(self) -> bool:
        """Whether the guest's own power-off ended it: no panic, no reset, nothing from outside."""
        ends = [event["data"]["reason"] for event in self.events if event["event"] == "SHUTDOWN"]
        return ends == ["guest-shutdown"]

    def _send(self, command: str) -> None:
        if self._peer is not None:
            self._peer.sendall(json.dumps({"execute": command}).encode() + b"\n")
