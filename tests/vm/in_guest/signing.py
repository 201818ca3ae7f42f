"""Run in a guest whose kernel takes signed modules only: see what it makes of the module.

usage: signing.py FACTS PART...
Each part is a function of this file; what its commands say goes to a file of JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Callable

from looking import ran

KEY = "/var/lib/dkms/mok.pub"
PASSWORD = "eleven cats"  # noqa: S105 -- of a guest that lives for minutes
Facts = dict[str, Any]


def said(command: str) -> Facts:
    """Run a shell command; its exit status and all that it printed."""
    return ran("sh", "-c", command)


def state() -> Facts:
    """What the kernel and the firmware demand, and which keys they have."""
    return {
        "secure boot": said("mokutil --sb-state"),
        "lockdown": said("cat /sys/kernel/security/lockdown"),
        "enforced": said("cat /sys/module/module/parameters/sig_enforce"),
        "keys": said("grep ' asymmetri ' /proc/keys"),
    }


def load() -> Facts:
    """Whether the module is there, and whether it can be loaded."""
    return {
        "at boot": said("cat /sys/module/tracer/initstate"),
        "load": said("modprobe tracer"),
        "after": said("cat /sys/module/tracer/initstate"),
    }


def check() -> Facts:
    """What tracer-check says to root."""
    return {"check": said("tracer-check --json")}


def check_as_user() -> Facts:
    """What tracer-check says to anybody else."""
    return {"check of a user": said("runuser -u nobody -- tracer-check --json")}


def import_key() -> Facts:
    """What tracer-check tells to do, without the boot; and what it says then."""
    typed = f"printf '{PASSWORD}\\n{PASSWORD}\\n'"
    return {
        "import": said(f"{typed} | sudo mokutil --import {KEY}"),
        "check after import": said("tracer-check --json"),
    }


def unsigned() -> Facts:
    """Whether the same module can be loaded without its signature."""
    # What objcopy does not know of, as what comes after the ELF file, it does not copy.
    strip = 'objcopy "$(modinfo -F filename tracer)" /run/unsigned.ko'
    return {
        "unload": said("rmmod tracer"),
        "signer": said(f"{strip} && modinfo -F signer /run/unsigned.ko"),
        "load unsigned": said("insmod /run/unsigned.ko"),
    }


PARTS: dict[str, Callable[[], Facts]] = {
    part.__name__: part for part in (state, load, check, check_as_user, import_key, unsigned)
}

if __name__ == "__main__":
    facts: Facts = {}
    for name in sys.argv[2:]:
        facts |= PARTS[name]()
        Path(sys.argv[1]).write_text(json.dumps(facts))
