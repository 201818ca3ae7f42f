"""What a program does with tracer_tools as it is installed."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from outcomes import Facts

import tracer_tools

HERE = Path(__file__).resolve().parent


@contextmanager
def worker() -> Iterator[subprocess.Popen[str]]:
    """A process that works when it is told to, and ends when nobody can tell it to any more."""
    with subprocess.Popen(
        ["python3", f"{HERE}/worker.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process


def tell(process: subprocess.Popen[str], word: str) -> None:
    """Have a process read a line."""
    assert process.stdin is not None
    process.stdin.write(f"{word}\n")
    process.stdin.flush()


def until_the_end() -> Facts:
    """Add a process, look at the table, wait for the end."""
    with tracer_tools.Tracer() as tracer, worker() as process:
        tracer.add(process.pid)
        snapshot = [row.pid for row in tracer.snapshot()]
        tell(process, "work")
        assert process.stdin is not None
        process.stdin.close()
        records = [
            {"pid": record.row.pid, "sched": record.row.sched, "exit status": record.exit_status}
            for record in tracer.ended()
        ]
    return {"pid": process.pid, "snapshot": snapshot, "records": records}


def with_asyncio() -> Facts:
    """Take records as they come, beside other things that an event loop does."""
    with tracer_tools.Tracer() as tracer:
        found = asyncio.run(script_in_loop(tracer))
    return {"records": found}


async def script_in_loop(tracer: tracer_tools.Tracer) -> list[str]:
    """Start a script of five processes, give it to the Tracer, let it go, await its records."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    found: list[str] = []

    def readable() -> None:
        found.extend(record.command for record in tracer.ended(wait=False))
        if tracer.all_ended():
            loop.remove_reader(tracer.fileno())
            over.set_result(None)

    words = ("sh", "-c", f"read go; . {HERE}/many.sh", "sh", "5")
    script = await asyncio.create_subprocess_exec(*words, stdin=subprocess.PIPE)
    tracer.add(script.pid, tree=True)
    loop.add_reader(tracer.fileno(), readable)
    await script.communicate(b"go\n")
    await asyncio.wait_for(over, 60)
    return found


def all_removed() -> Facts:
    """Leave off with a process that runs on."""
    with tracer_tools.Tracer() as tracer, worker() as process:
        tracer.add(process.pid)
        tell(process, "work")
        assert process.stdout is not None
        process.stdout.readline()
        (row,) = tracer.snapshot()
        before = tracer.has(process.pid)
        tracer.remove_all()
        records = [
            {"pid": record.row.pid, "sched": record.row.sched, "running": record.running}
            for record in tracer.ended()
        ]
        return {
            "pid": process.pid,
            "sched": row.sched,
            "has before": before,
            "has after": tracer.has(process.pid),
            "records": records,
        }
