"""A group of processes, as the module knows it."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_tools.device import Tracer
from tracer_tools.errors import RequestError
from tracer_tools.rules import Rule
from tracer_tools.system import System


@dataclass
class Group:
    """A rule, and the open file through which its processes were added, if there are any.

    Each group has a file of its own: what the module tells of it is of this group.
    """

    rule: Rule
    tracer: Tracer | None = None

    @property
    def name(self) -> str:
        """What the group is called."""
        return self.rule.group

    def opened(self, system: System) -> Tracer:
        """Return the open file. Raises DeviceError."""
        if self.tracer is None:
            self.tracer = Tracer(system)
        return self.tracer

    def has(self, pid: int) -> bool:
        """Return whether a process is monitored as one of this group. Raises DeviceError."""
        try:
            return self.tracer is not None and self.tracer.has(pid)
        except RequestError:  # another user's, whom we may not monitor
            return False

    def close(self) -> None:
        """Let the file go."""
        if self.tracer is not None:
            self.tracer.close()
            self.tracer = None
