"""Which probes of tracer the kernel knows, and which of them are armed."""

from __future__ import annotations

from pathlib import Path

import ftrace
from case import DEBUGFS

REGISTERED = Path("/sys/kernel/debug/kprobes/list")
SWITCH = Path("/sys/kernel/debug/kprobes/enabled")


def _lines() -> list[list[str]]:
    """Give the words of each line of debugfs `tracer/probes`."""
    lines = (DEBUGFS / "probes").read_text(encoding="ascii").splitlines()[1:]
    return [line.split() for line in lines]


def armed_says_tracer() -> dict[str, bool]:
    """Give for each symbol whether debugfs `tracer/probes` calls it armed."""
    return {symbol: {"yes": True, "no": False}[armed] for _, symbol, armed, _, _ in _lines()}


def by_what() -> dict[str, str]:
    """Give for each symbol what the kernel calls tracer by: kretprobe, ftrace, tracepoint."""
    return {symbol: by for _, symbol, _, _, by in _lines()}


def armed_says_kernel() -> dict[str, bool]:
    """Give for each symbol whether the kernel calls it armed; it cannot tell of tracepoints."""
    found = {symbol: symbol in traced() for symbol, by in by_what().items() if by == "ftrace"}
    return {**found, **kretprobes()}


def traced() -> set[str]:
    """Give the functions that ftrace calls something for, be it for a kprobe."""
    lines = (ftrace.TRACING / "enabled_functions").read_text(encoding="ascii").splitlines()
    return {line.split()[0] for line in lines if line and not line[0].isspace()}


def kretprobes() -> dict[str, bool]:
    """Give for each probed symbol whether kprobes/list calls it armed.

    Lines look like `ffffffff9a2c5b30  r  kfree+0x0    [DISABLED][FTRACE]`.
    """
    found: dict[str, bool] = {}
    for line in REGISTERED.read_text(encoding="ascii").splitlines():
        symbol = line.split()[2].partition("+")[0]
        found[symbol] = "[DISABLED]" not in line
    return found


def through_ftrace() -> bool:
    """Say whether the kernel calls probes of tracer by ftrace; else they are breakpoints."""
    ours = armed_says_tracer()
    lines = REGISTERED.read_text(encoding="ascii").splitlines()
    probed = [line for line in lines if line.split()[2].partition("+")[0] in ours]
    return any("[FTRACE]" in line for line in probed)


def all_disarmed() -> bool:
    """Say whether neither tracer nor the kernel calls a probe of tracer armed.

    They change one after the other: the code is patched first, then the probe's flag. The kernel
    may have probes of others, too.
    """
    tracer, kernel = armed_says_tracer(), armed_says_kernel()
    return not any(armed or kernel.get(symbol, False) for symbol, armed in tracer.items())
