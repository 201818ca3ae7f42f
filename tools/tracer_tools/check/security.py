"""Checks of what may keep the kernel from loading the module: Secure Boot, lockdown, signatures."""

from __future__ import annotations

import re

from tracer_tools.check.engine import Finding, passed, skipped
from tracer_tools.check.signing import needs_signature
from tracer_tools.check.uefi import has_uefi, secure_boot_state
from tracer_tools.system import System

LOCKDOWN = "/sys/kernel/security/lockdown"
SIG_ENFORCE = "/sys/module/module/parameters/sig_enforce"


def secure_boot(system: System) -> Finding:
    """Find out whether Secure Boot is on, and what follows for the module."""
    if not has_uefi(system):
        return passed("This machine was not started by UEFI, so there is no Secure Boot.")
    state = secure_boot_state(system)
    if state is None:
        return skipped("Whether Secure Boot is on cannot be read here.")
    if not state:
        return passed("Secure Boot is off.")
    if takes_unsigned(system):
        return passed("Secure Boot is on, but this kernel loads unsigned modules all the same.")
    return needs_signature("Secure Boot is on", system)


def takes_unsigned(system: System) -> bool:
    """Return whether the kernel says that it does; not every kernel heeds Secure Boot."""
    try:
        enforced = system.read(SIG_ENFORCE).strip() == "Y"
        return not enforced and "[none]" in system.read(LOCKDOWN)
    except OSError:
        return False


def lockdown(system: System) -> Finding:
    """Find out whether the kernel is locked down, and what follows for the module."""
    try:
        text = system.read(LOCKDOWN)
    except FileNotFoundError:
        if system.path("/sys/kernel/security").exists() and any(
            system.path("/sys/kernel/security").iterdir()
        ):
            return passed("This kernel has no lockdown.")
        return skipped("Whether the kernel is locked down cannot be read: no securityfs here.")
    except PermissionError:
        return skipped("Whether the kernel is locked down is for root to read.")
    match = re.search(r"\[([a-z]+)\]", text)
    if match is None:
        return skipped(f"{LOCKDOWN} is not understood: {text.strip()!r}.")
    if match[1] == "none":
        return passed("The kernel is not locked down.")
    return needs_signature(f"The kernel is locked down ({match[1]})", system)


def signatures_enforced(system: System) -> Finding:
    """Find out whether the kernel takes signed modules only."""
    try:
        enforced = system.read(SIG_ENFORCE).strip() == "Y"
    except FileNotFoundError:
        return passed("This kernel does not look at signatures of modules.")
    if not enforced:
        return passed("The kernel loads unsigned modules too.")
    return needs_signature("The kernel loads signed modules only", system)
