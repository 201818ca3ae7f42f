"""KVM or emulation: found out by trying to boot a kernel, remembered in the cache."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path

from tracer_lab.cache import cache_dir, key_of
from tracer_lab.commands import as_root
from tracer_lab.errors import LabError

VARIABLE = "TRACER_LAB_ACCEL"
CHOICES = ("kvm", "tcg")
SECONDS_TO_BOOT = 20  # a KVM that works needs about two


def accelerator(kernel: Path) -> str:
    """``kvm`` if a guest gets through a boot with it here, else ``tcg``, QEMU's emulation.

    TRACER_LAB_ACCEL overrides; LabError if it says something else than kvm or tcg.
    """
    wanted = os.environ.get(VARIABLE)
    if wanted is not None:
        if wanted not in CHOICES:
            raise LabError(f"{VARIABLE}={wanted}: not an accelerator", "use kvm or tcg")
        return wanted
    remembered = cache_dir() / f"accel-{key_of(platform.release(), _processor())}.json"
    if not remembered.exists():
        choice = "kvm" if _kvm_boots(kernel) else "tcg"
        remembered.write_text(json.dumps({"accelerator": choice}))
    return str(json.loads(remembered.read_text())["accelerator"])


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line for line in lines if line.startswith("model name")), "")


def _kvm_boots(kernel: Path) -> bool:
    """Boot a kernel without a root file system: it panics at once, resets, and QEMU ends.

    A /dev/kvm that opens proves nothing: there are hosts where a guest never gets past
    its firmware.
    """
    if not Path("/dev/kvm").exists():
        return False
    command = ["timeout", "--kill-after=5", str(SECONDS_TO_BOOT)]
    command += ["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "256M"]
    command += ["-display", "none", "-nodefaults", "-no-reboot"]
    command += ["-kernel", str(kernel), "-append", "panic=-1"]
    ended = subprocess.run(
        as_root(command), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return ended.returncode == 0
