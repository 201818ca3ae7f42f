"""Checks of the module: its file, whether it is loaded, and whether that is the same one."""

from __future__ import annotations

from tracer_tools.check.engine import Finding, failed, passed, skipped, warned
from tracer_tools.device import MAJOR, MINOR
from tracer_tools.lines import whole_lines
from tracer_tools.module import MODULE, RELOAD, VALUES, is_loaded
from tracer_tools.system import System

ENGINE = f"{VALUES}/engine"
MISC_DEVICES = "/proc/misc"
# Another version may be of the same C, and so have the same srcversion.
IDENTITY = ("version", "srcversion")


def modinfo(system: System, field: str) -> str | None:
    """Return a field of the installed module for the running kernel.

    It is empty if the module has no such field or is not installed, None without modinfo. Raises
    FormatError if it is cut off.
    """
    ran = system.run("modinfo", "-k", system.release(), "-F", field, "tracer")
    if ran is None:
        return None
    if ran.status != 0:
        return ""
    return "\n".join(whole_lines(ran.output, f"modinfo -F {field}")).strip()


def loaded(system: System) -> Finding:
    """Find out whether the module is loaded."""
    if is_loaded(system):
        return passed(f"The module is loaded{with_engine(system)}.")
    holder = minor_holder(system)
    if holder:
        return failed(
            f"The module is not loaded and cannot be: device {MAJOR}:{MINOR} belongs to {holder}, "
            "whose module must go first."
        )
    return failed("The module is not loaded.", "sudo modprobe tracer")


def with_engine(system: System) -> str:
    """Return how the loaded module intercepts calls, as the end of a sentence."""
    try:
        return f" with engine={system.read(ENGINE).strip()}"
    except OSError:
        return ""


def minor_holder(system: System) -> str:
    """Return the driver that has taken tracer's minor number, empty if none has."""
    try:
        lines = system.read(MISC_DEVICES).splitlines()
    except OSError:
        return ""
    holders = dict(line.split(maxsplit=1) for line in lines if len(line.split()) > 1)
    return holders.get(str(MINOR), "")


def loaded_is_installed(system: System) -> Finding:
    """Find out whether the loaded module is the one that the next boot will load."""
    compared = [pair for field in IDENTITY if (pair := both(system, field))]
    if not compared:
        return skipped("There is no installed module to compare the loaded one with.")
    for running, installed in compared:
        if running != installed:
            return warned(
                f"The loaded module is {running}; the installed one, {installed}, "
                "waits for a reload.",
                RELOAD,
            )
    return passed(f"The loaded module is the installed one ({compared[0][0]}).")


def both(system: System, field: str) -> tuple[str, str] | None:
    """Return a field of the loaded and of the installed module, None if either lacks it."""
    try:
        running = system.read(f"{MODULE}/{field}").strip()
    except OSError:
        return None
    installed = modinfo(system, field)
    return (running, installed) if installed else None
