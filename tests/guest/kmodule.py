"""Loading and unloading kernel modules."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path

PARAMETERS = Path("/sys/module/tracer/parameters")
BUILT = Path(__file__).parent / "workload"
_libc = ctypes.CDLL(None, use_errno=True)


class LoadError(Exception):
    """A module could not be loaded; the text is what the loading command said."""


def loaded(name: str = "tracer") -> bool:
    """Say whether the module is in the kernel."""
    return Path("/sys/module", name).is_dir()


def load(*parameters: str) -> None:
    """Load tracer as it is installed. Raises LoadError."""
    _run("modprobe", "tracer", *parameters)


def load_file(path: Path, *parameters: str) -> None:
    """Load the module in a file. Raises LoadError."""
    _run("insmod", str(path), *parameters)


def load_built(name: str) -> None:
    """Load a module of these tests unless it is loaded. Raises LoadError."""
    if not loaded(name):
        load_file(BUILT / f"{name}.ko")


def unload(name: str = "tracer") -> None:
    """Remove a module at once. Raises OSError, with EBUSY if it is in use."""
    if _libc.delete_module(name.encode(), os.O_NONBLOCK) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LoadError(f"{' '.join(command)}: {done.stderr.strip()}")
