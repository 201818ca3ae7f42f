"""One exporter at a time, and whether the last one came to its end."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from tracer_tools.errors import TracerError

FOLDER = "/run/prometheus-tracer-exporter"


class Lock:
    """A file that only one exporter holds. It has the PID of that until it ends in order."""

    def __init__(self, folder: Path) -> None:
        """Take it. Raises TracerError if another exporter has it, or there is no place for it."""
        path = folder / "lock"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            hint = "start the exporter by systemctl, or set RUNTIME_DIRECTORY to a folder of yours"
            raise TracerError(f"{path} cannot be opened: {error.strerror}", hint) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = self._content()
            os.close(self._descriptor)
            raise TracerError(
                f"an exporter runs already, as process {holder}",
                "a process is monitored once; stop that one first",
            ) from error
        self.was_left_behind = bool(self._content())
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def _content(self) -> str:
        return os.pread(self._descriptor, 64, 0).decode(errors="replace").strip()

    def release(self) -> None:
        """Give it back, at an end in order."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
