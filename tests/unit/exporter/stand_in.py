"""The exporter on this machine, with the module of module.py: each process counts one step.

A process is monitored from its ADD to its end, of which its pidfd tells. usage: as the exporter.
"""

from __future__ import annotations

import os
import select
import sys
import tempfile
import threading
from pathlib import Path

from tests.unit.exporter.module import Module

from tracer_exporter import cli, service
from tracer_tools.device import ADD_TREE
from tracer_tools.module import MODULE, VALUES
from tracer_tools.table import TABLE

OF_THE_MODULE = (MODULE, VALUES, TABLE)


class StandIn(Module):
    """This machine, but for the module."""

    def path(self, name: str) -> Path:
        return super().path(name) if name.startswith(OF_THE_MODULE) else Path(name)

    def ioctl(self, descriptor: int, request: int, argument: int) -> None:
        if request == ADD_TREE and argument not in self.processes:
            watched = os.pidfd_open(argument)
            self.spawn(argument)
            threading.Thread(target=self.wait_for, args=[watched, argument], daemon=True).start()
        super().ioctl(descriptor, request, argument)
        if request == ADD_TREE:
            self.count(argument)

    def wait_for(self, descriptor: int, pid: int) -> None:
        select.select([descriptor], [], [])
        self.exit(pid)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        machine = StandIn(Path(os.environ.get("STAND_IN_ROOT", folder)))
        original = service.Service
        vars(service)["Service"] = lambda options: original(options, machine)
        sys.exit(cli.main())
