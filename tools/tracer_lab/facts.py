"""What a booted guest says of its kernel: written by tests/guest/facts.py, read here."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tracer_lab.errors import LabError

KEYS = {"release", "compiler", "dkms", "probes"}
PROBE_KEYS = {"function", "symbol"}


@dataclass(frozen=True)
class KernelFacts:
    """A kernel, and the symbols of it that tracer probes."""

    release: str
    compiler: str  # that built the kernel, as /proc/version names it
    dkms: str  # version
    symbols: dict[str, tuple[str, ...]]  # of each function, in the order of the module's table


def parse_facts(text: str) -> KernelFacts:
    """Read what a guest wrote. Raises LabError, saying what is wrong, for any other form."""
    try:
        entry = json.loads(text)
    except ValueError as error:
        raise LabError(f"facts of the kernel: not JSON: {text[:80]!r}") from error
    if not isinstance(entry, dict) or set(entry) != KEYS:
        raise LabError(f"facts of the kernel: not {', '.join(sorted(KEYS))}: {text[:80]!r}")
    symbols: dict[str, tuple[str, ...]] = {}
    for probe in entry["probes"]:
        if set(probe) != PROBE_KEYS:
            raise LabError(f"facts of the kernel: no probe: {probe}")
        symbols[probe["function"]] = (*symbols.get(probe["function"], ()), probe["symbol"])
    return KernelFacts(entry["release"], entry["compiler"], entry["dkms"], symbols)
