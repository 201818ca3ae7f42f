"""Checks of the running kernel: its release, headers, symbols, and whether probes may fire."""

from __future__ import annotations

from tracer_tools.check.distribution import identify
from tracer_tools.check.engine import Finding, failed, passed, warned
from tracer_tools.errors import FormatError
from tracer_tools.kernels import kernel_series, supported_kernels
from tracer_tools.module import is_loaded
from tracer_tools.refusals import KPROBES_ON
from tracer_tools.system import System

FTRACE_ENABLED = "/proc/sys/kernel/ftrace_enabled"
KPROBES_ENABLED = "/sys/kernel/debug/kprobes/enabled"
KALLSYMS = "/proc/kallsyms"
PROBES = "/sys/kernel/debug/tracer/probes"
PROBES_HEADER = ["function", "symbol", "armed", "missed", "by"]

# Any one symbol of each is enough to tell that the kernel has the function; which of them the
# module probes is its own affair, and its list of probes says so where it can be read.
SYMBOLS = {
    "kmalloc": ("__kmalloc", "__kmalloc_noprof"),
    "kfree": ("kfree",),
    "schedule": ("schedule",),
    "up": ("up",),
    "down_interruptible": ("down_interruptible",),
    "mutex_lock": ("mutex_lock", "mutex_lock_nested", "_mutex_lock"),
    "mutex_unlock": ("mutex_unlock", "_mutex_unlock"),
}


def worse_unless_loaded(system: System, fact: str, command: str = "") -> Finding:
    """Return a failure, or a warning if the module is loaded and so does not need this now."""
    if is_loaded(system):
        return warned(fact, command)
    return failed(fact, command)


def release_supported(system: System) -> Finding:
    """Find out whether tracer is made for this kernel."""
    release, bounds = system.release(), supported_kernels()
    series = kernel_series(release)
    reach = f"{bounds.oldest} to {bounds.newest}"
    if series < bounds.oldest:
        fact = f"Linux {release} is too old: tracer supports {reach}."
        return worse_unless_loaded(system, fact, identify(system).newer_kernel(release, system))
    if series > bounds.newest:
        fact = (
            f"Linux {release} is not yet supported (tracer supports {reach}): "
            "boot one of these until there is a newer tracer."
        )
        return worse_unless_loaded(system, fact, identify(system).newer_tracer())
    return passed(f"Linux {release} is supported ({reach}).")


def has_headers(system: System) -> bool:
    """Return whether a module can be built for the running kernel."""
    return system.path(f"/lib/modules/{system.release()}/build/Makefile").exists()


def headers_installed(system: System) -> Finding:
    """Find out whether the kernel's headers are there to build the module with."""
    release = system.release()
    if has_headers(system):
        return passed(f"The headers of {release} are installed.")
    command = identify(system).install_headers(release, system)
    return worse_unless_loaded(system, f"The headers of {release} are not installed.", command)


def symbols_found(system: System) -> Finding:
    """Find out whether the kernel has every function that tracer counts."""
    try:
        probed = parse_probes(system.read(PROBES))
    except OSError:
        return symbols_listed(system)
    missing = [function for function in SYMBOLS if function not in probed]
    if missing:
        return failed(f"The module has no probe on {', '.join(missing)}.")
    count = sum(map(len, probed.values()))
    return passed(f"The module has its probes on all {len(SYMBOLS)} functions ({count} symbols).")


def parse_probes(text: str) -> dict[str, dict[str, int]]:
    """Return each probed function's symbols with their misses. Raises FormatError."""
    lines = text.splitlines()
    if not lines or lines[0].split() != PROBES_HEADER:
        raise FormatError(f"{PROBES}: line 1: not the known header")
    found: dict[str, dict[str, int]] = {}
    for number, line in enumerate(lines[1:], start=2):
        fields = line.split()
        if len(fields) != len(PROBES_HEADER) or not fields[3].isdecimal():
            raise FormatError(f"{PROBES}: line {number}: no probe: {line!r}")
        found.setdefault(fields[0], {})[fields[1]] = int(fields[3])
    return found


def symbols_listed(system: System) -> Finding:
    """Find out the same from the kernel's list of symbols, whose names everybody may read."""
    wanted = {symbol for symbols in SYMBOLS.values() for symbol in symbols}
    with system.path(KALLSYMS).open(encoding="utf-8", errors="replace") as file:
        # Symbols of modules have a fourth field, the module.
        present = wanted & {line.split()[2] for line in file if "[" not in line}
    missing = [name for name, symbols in SYMBOLS.items() if not present.intersection(symbols)]
    if missing:
        fact = f"The kernel has no symbol for {', '.join(missing)}, so the module cannot load."
        return worse_unless_loaded(system, fact)
    return passed(f"The kernel has symbols for all {len(SYMBOLS)} functions.")


def probing_on(system: System) -> Finding:
    """Find out whether somebody has switched all the kernel's probes off."""
    if switch(system, FTRACE_ENABLED) == "0":
        return failed(
            "ftrace is switched off, so no probe fires.", f"echo 1 | sudo tee {FTRACE_ENABLED}"
        )
    if switch(system, KPROBES_ENABLED) == "0":
        return failed(
            "kprobes are switched off, so nothing is counted.",
            KPROBES_ON,
        )
    return passed("Neither ftrace nor kprobes are known to be switched off.")


def switch(system: System, name: str) -> str:
    """Return a switch's position, empty if this user or this kernel has no such switch."""
    try:
        return system.read(name).strip()
    except OSError:
        return ""
