#!/usr/bin/env python3
"""Running the fuzzer of tests/guest/fuzzer, and what the kernel is like afterwards.

As a program: one long run on a module of that file, with all it wrote in a folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import device
import kmodule
import kprobes
import proctracer
import waiting
from case import SYSFS
from kmsg import KernelLog

PROGRAM = Path(__file__).parent / "fuzzer" / "fuzzer"
WORKERS = 4
# Fewer than its workers would monitor: some are refused.
PLACES = 16
SECTIONS = Path("/sys/module/tracer/sections")
MEMBERS = 4003  # the node's group, where no package has made one


@dataclass(frozen=True)
class Run:
    """What the fuzzer said."""

    status: int
    complaints: str
    did: dict[str, Any]  # as main.c prints it; empty if it did not get so far


def run(calls: int, seed: int, workers: int = WORKERS, seconds: int = 1 << 30) -> Run:
    """Have the fuzzer make so many calls, or those that it can make in that time."""
    device.settle()  # whose group is the node's the fuzzer asks at once
    words = [str(word) for word in (PROGRAM, calls, seed, workers, seconds)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return Run(done.returncode, done.stderr, json.loads(done.stdout) if done.stdout else {})


def left_behind() -> list[str]:
    """Say what a fuzzer that has ended left in the module."""
    waiting.until(kprobes.all_disarmed, "the probes are disarmed")
    found = [f"a row of process {pid}" for pid in proctracer.rows()]
    monitored = (SYSFS / "processes").read_text(encoding="ascii").strip()
    if monitored != "0":
        found.append(f"{monitored} monitored processes")
    return found


def sections() -> dict[str, int]:
    """Give the address of each section of code of the loaded module."""
    return {
        path.name: int(path.read_text(encoding="ascii"), 16)
        for path in SECTIONS.iterdir()
        if ".text" in path.name
    }


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--module", type=Path, required=True, help="tracer.ko")
    parser.add_argument("--results", type=Path, required=True, help="write to this file, as JSON")
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--seconds", type=int, default=1 << 30)
    return parser


def main() -> int:
    """Load the module, fuzz it and unload it; 0 if nothing at all is amiss."""
    options = build_parser().parse_args()
    log = KernelLog()
    insert = ["insmod", str(options.module), f"max_processes={4 * options.workers}"]
    subprocess.run(insert, check=True)
    device.settle()  # udev is about to set them, too
    os.chown(device.NODE, 0, MEMBERS)
    device.NODE.chmod(0o660)
    where = sections()
    done = run(options.calls, options.seed, options.workers, options.seconds)
    amiss = done.complaints.splitlines() + left_behind()
    kmodule.unload()
    amiss += log.complaints()
    result = {**done.did, "sections": where, "amiss": amiss, "status": done.status}
    options.results.write_text(json.dumps(result), encoding="utf-8")
    print("\n".join(amiss) or f"{done.did['calls']} calls, nothing amiss")
    return 1 if amiss or done.status else 0


if __name__ == "__main__":
    sys.exit(main())
