"""What the firmware says of Secure Boot."""

from __future__ import annotations

import re

from tracer_tools.system import System

EFI = "/sys/firmware/efi"
SECURE_BOOT = f"{EFI}/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
# Shim's: a user may have had it check nothing any more (mokutil --disable-validation).
UNCHECKED = f"{EFI}/efivars/MokSBStateRT-605dab50-e046-4300-abb6-3dd810dd8b23"


def has_uefi(system: System) -> bool:
    """Return whether this machine was started by UEFI."""
    return system.path(EFI).exists()


def secure_boot_state(system: System) -> bool | None:
    """Return whether Secure Boot is on, for the kernel, too; None if it cannot be found out."""
    if not has_uefi(system):
        return False
    try:
        return is_set(SECURE_BOOT, system) and not is_unchecked(system)
    except OSError:
        ran = system.run("mokutil", "--sb-state")
    match = re.search(r"SecureBoot (enabled|disabled)", ran.output) if ran is not None else None
    if ran is None or match is None:
        return None
    return match[1] == "enabled" and "validation is disabled in shim" not in ran.output


def is_unchecked(system: System) -> bool:
    """Return whether shim checks nothing: the kernel then takes Secure Boot for off."""
    try:
        return is_set(UNCHECKED, system)
    except FileNotFoundError:
        return False


def is_set(variable: str, system: System) -> bool:
    """Return whether a variable of the firmware is 1. Raises OSError."""
    # Four bytes of attributes come before the value.
    return system.path(variable).read_bytes()[4:5] == b"\x01"
