"""Monitor what processes do in the kernel, through the tracer module.

    import tracer_tools

    tracer_tools.add(4242)
    for row in tracer_tools.snapshot():
        print(row.pid, row.kmalloc, row.kmalloc_mem)
    tracer_tools.remove(4242)

Who makes many requests opens the device once::

    with tracer_tools.Device() as device:
        for pid in pids:
            device.add(pid)

Everything that can go wrong is a `TracerError` with a message and a hint.
"""

from tracer_tools.device import Device, add, remove
from tracer_tools.errors import DeviceError, FormatError, RequestError, TracerError
from tracer_tools.module import ModuleState, module_state
from tracer_tools.processes import command_name
from tracer_tools.table import COLUMNS, COUNTERS, Row, parse_table, snapshot

__all__ = [
    "COLUMNS",
    "COUNTERS",
    "Device",
    "DeviceError",
    "FormatError",
    "ModuleState",
    "RequestError",
    "Row",
    "TracerError",
    "add",
    "command_name",
    "module_state",
    "parse_table",
    "remove",
    "snapshot",
]
