"""The state of the loaded module, from sysfs."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_tools.errors import DeviceError, FormatError
from tracer_tools.system import THIS_MACHINE, System

MODULE = "/sys/module/tracer"
VALUES = "/sys/class/misc/tracer"
RELOAD = "sudo modprobe -r tracer && sudo modprobe tracer"


@dataclass(frozen=True)
class ModuleState:
    """What the module says of itself; every value is a whole number from 0.

    processes: processes monitored now, whoever added them.
    missed_samples: calls that the kernel could not report, since the module's load.
    unknown_blocks: frees whose requested size was not known, so that the slab's was counted.
    unfollowed: processes of trees that could not be added, since the module's load.
    max_processes: the most processes that can be monitored at once, the last ones by root alone.
    tracked_blocks: the most blocks whose requested size is remembered.
    """

    processes: int
    missed_samples: int
    unknown_blocks: int
    unfollowed: int
    max_processes: int
    tracked_blocks: int


def is_loaded(system: System = THIS_MACHINE) -> bool:
    """Return whether the module is loaded and has finished starting."""
    try:
        return system.read(f"{MODULE}/initstate").strip() == "live"
    except OSError:
        return False


def module_state(system: System = THIS_MACHINE) -> ModuleState:
    """Return the state of the loaded module.

    Raises DeviceError if the module is not loaded, FormatError if a value is not a number.
    """
    return ModuleState(
        processes=read_number(f"{VALUES}/processes", system),
        missed_samples=read_number(f"{VALUES}/missed_samples", system),
        unknown_blocks=read_number(f"{VALUES}/unknown_blocks", system),
        unfollowed=read_number(f"{VALUES}/unfollowed", system),
        max_processes=read_number(f"{MODULE}/parameters/max_processes", system),
        tracked_blocks=read_number(f"{MODULE}/parameters/tracked_blocks", system),
    )


def read_number(name: str, system: System = THIS_MACHINE) -> int:
    """Return the number in a file of sysfs. Raises DeviceError, FormatError."""
    text = read_of_module(name, system).strip()
    if not (text.isascii() and text.isdigit()):
        raise FormatError(f"{name}: line 1: no number: {text!r}")
    return int(text)


def read_of_module(name: str, system: System) -> str:
    """Return the text of a file that is there while the module is loaded. Raises DeviceError."""
    try:
        return system.read(name)
    except FileNotFoundError as error:
        raise DeviceError(
            f"{name} is not there, so the module is not loaded", "run 'sudo modprobe tracer'"
        ) from error
    except OSError as error:
        raise DeviceError(f"{name} cannot be read: {error.strerror}") from error
