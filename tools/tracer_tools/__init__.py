"""Monitor what processes do in the kernel, through the tracer module.

Counters of processes that run::

    import tracer_tools

    tracer_tools.add(4242)
    for row in tracer_tools.snapshot():
        print(row.pid, row.kmalloc, row.kmalloc_mem)
    tracer_tools.remove(4242)

A `Tracer` is the device held open. Through it a process is followed into those that it starts,
and the totals of those that have ended are read::

    with tracer_tools.Tracer() as tracer:
        tracer.add(4242, tree=True)
        for record in tracer.ended():   # until the last of them has ended
            print(record.row.pid, record.command, record.row.kmalloc, record.seconds)

Or the totals up to now, of what has ended and what runs, which is then monitored no longer::

        tracer.remove_all()
        records = list(tracer.ended())

With asyncio, records are taken when they come::

    def take() -> None:
        for record in tracer.ended(wait=False):
            print(record.row.pid, record.command)
        if tracer.all_ended():
            loop.remove_reader(tracer.fileno())

    loop.add_reader(tracer.fileno(), take)

Everything that can go wrong is a `TracerError` with a message and a hint.
"""

from tracer_tools.device import Tracer, add, remove
from tracer_tools.errors import DeviceError, FormatError, RequestError, TracerError
from tracer_tools.module import ModuleState, module_state
from tracer_tools.processes import command_name
from tracer_tools.records import Record, parse_records
from tracer_tools.table import COLUMNS, COUNTERS, Row, parse_table, snapshot

__all__ = [
    "COLUMNS",
    "COUNTERS",
    "DeviceError",
    "FormatError",
    "ModuleState",
    "Record",
    "RequestError",
    "Row",
    "Tracer",
    "TracerError",
    "add",
    "command_name",
    "module_state",
    "parse_records",
    "parse_table",
    "remove",
    "snapshot",
]
