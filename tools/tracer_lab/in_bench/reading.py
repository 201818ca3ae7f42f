"""Reading the table of tracer, against as many files of the kernel's own about a process."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

from .modules import ENGINES
from .processes import Worker
from .recording import Recorder
from .states import monitoring

UNIT = "instructions a row"
ENGINE = ENGINES[0]  # a row is the same with any


def record_reading(worker: Worker, others: Sequence[int], batches: int, recorder: Recorder) -> None:
    """Record what a row costs where all those processes are monitored, and nobody else."""
    rows, state = len(others), f"tracer-{ENGINE}"
    with monitoring(ENGINE, others), tempfile.NamedTemporaryFile("w", suffix=".list") as names:
        names.writelines(f"/proc/{pid}/stat\n" for pid in others)
        names.flush()
        for what, order in (
            ("read-proc-tracer", "read /proc/tracer"),
            ("read-pid-stat", f"each {names.name}"),
        ):
            worker.ask(order)  # the first time is no more like the others than a cold cache
            taken = [worker.ask(order)[0] / rows for _ in range(batches)]
            recorder.figure(f"{what}-{rows}", state, taken, UNIT)
