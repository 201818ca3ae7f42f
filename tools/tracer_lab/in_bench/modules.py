"""Modules of the guest's kernel: tracer, by the engine asked for, and those of the bench."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
TRACER = HERE.parent / "tracer" / "tracer.ko"
BUILT = HERE / "module"
RUNS = Path("/sys/module/tracer/parameters/engine")
PROBES = Path("/sys/kernel/debug/tracer/probes")
NODE = Path("/dev/tracer")
ENGINES = ("kretprobe", "ftrace")
ADD_PROCESS = 0x4004012A
REMOVE_PROCESS = 0x4004012B


class LoadError(Exception):
    """A module could not be loaded; the text says why."""


@contextmanager
def loaded(module: Path, *parameters: str) -> Iterator[None]:
    """With that module in the kernel until the end of the block. Raises LoadError."""
    _run("insmod", str(module), *parameters)
    try:
        yield
    finally:
        _run("rmmod", module.stem)


@contextmanager
def tracer(engine: str) -> Iterator[None]:
    """With tracer loaded until the end of the block. Raises LoadError, or if it runs another."""
    with loaded(TRACER, parameter(engine)):
        check_engine(engine)
        yield


def parameter(engine: str) -> str:
    """What loads tracer with that engine."""
    return f"engine={engine}"


def check_engine(engine: str) -> None:
    """Raise LoadError unless the loaded tracer runs that engine."""
    # A kernel lets any module load with parameters that the module does not have.
    runs = RUNS.read_text(encoding="ascii").strip() if RUNS.exists() else "unnamed"
    if runs != engine:
        raise LoadError(f"tracer runs engine {runs} when asked for {engine}")


@contextmanager
def floor(kind: str, symbols: Iterable[str]) -> Iterator[None]:
    """With probes that do nothing on those symbols until the end of the block."""
    with loaded(BUILT / "tracer_floor.ko", f"kind={kind}", f"symbols={','.join(symbols)}"):
        yield


def probed_symbols() -> dict[str, str]:
    """The symbols that tracer probes on this kernel, and the function that each serves.

    It is loaded for that.
    """
    with tracer(ENGINES[0]):
        header, *rows = PROBES.read_text(encoding="ascii").splitlines()
        symbol, function = map(header.split().index, ("symbol", "function"))
        return {row.split()[symbol]: row.split()[function] for row in rows}


@contextmanager
def monitored(pids: Sequence[int]) -> Iterator[None]:
    """With those processes monitored until the end of the block."""
    node = os.open(NODE, os.O_RDWR | os.O_CLOEXEC)
    try:
        for pid in pids:
            fcntl.ioctl(node, ADD_PROCESS, pid)
        yield
        for pid in pids:
            fcntl.ioctl(node, REMOVE_PROCESS, pid)
    finally:
        os.close(node)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LoadError(f"{' '.join(command)}: {done.stderr.strip()}")
