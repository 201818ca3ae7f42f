"""What a booted guest says of its kernel: written by tests/guest/facts.py, read here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from tracer_lab.errors import LabError

KEYS = {"release", "version", "dkms", "probes"}
# Debian's /proc/version: "... (x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0, GNU ld ..."
COMPILER = re.compile(r"\((?:\S+-)?gcc\S* \([^)]*\) (\d+\.\d+\.\d+)")


@dataclass(frozen=True)
class KernelFacts:
    """A kernel, and the symbols of it that tracer probes."""

    release: str
    compiler: str  # that built the kernel: "gcc 14.2.0"
    dkms: str  # version of the Debian package
    symbols: dict[str, tuple[str, ...]]  # of each function, in the order of the module's table


def parse_facts(text: str) -> KernelFacts:
    """Read what a guest wrote. Raises LabError, saying what is wrong, for any other form."""
    try:
        entry = json.loads(text)
    except ValueError as error:
        raise LabError(f"facts of the kernel: not JSON: {text[:80]!r}") from error
    if not isinstance(entry, dict) or set(entry) != KEYS:
        raise LabError(f"facts of the kernel: not these keys alone: {', '.join(sorted(KEYS))}")
    compiler = COMPILER.search(entry["version"])
    if compiler is None:
        raise LabError(f"facts of the kernel: no compiler in {entry['version']!r}")
    symbols: dict[str, tuple[str, ...]] = {}
    for probe in entry["probes"]:
        if len(probe) != 2:
            raise LabError(f"facts of the kernel: not a function and its symbol: {probe}")
        function, symbol = probe
        symbols[function] = (*symbols.get(function, ()), symbol)
    return KernelFacts(entry["release"], f"gcc {compiler[1]}", entry["dkms"], symbols)
