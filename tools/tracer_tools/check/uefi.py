"""What the firmware says of Secure Boot."""

from __future__ import annotations

import re

from tracer_tools.system import System

EFI = "/sys/firmware/efi"
SECURE_BOOT = f"{EFI}/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


def has_uefi(system: System) -> bool:
    """Return whether this machine was started by UEFI."""
    return system.path(EFI).exists()


def secure_boot_state(system: System) -> bool | None:
    """Return whether Secure Boot is on; None if it cannot be found out."""
    if not has_uefi(system):
        return False
    try:
        # Four bytes of attributes come before the value.
        return system.path(SECURE_BOOT).read_bytes()[4:5] == b"\x01"
    except OSError:
        ran = system.run("mokutil", "--sb-state")
    match = re.search(r"SecureBoot (enabled|disabled)", ran.output) if ran is not None else None
    return None if match is None else match[1] == "enabled"
