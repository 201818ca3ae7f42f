"""Checks of what may keep the kernel from loading the module: Secure Boot, lockdown, signatures."""

from __future__ import annotations

import re

from tracer_tools.check.engine import Finding, failed, passed, skipped, warned
from tracer_tools.check.module import modinfo
from tracer_tools.module import is_loaded
from tracer_tools.system import System

EFI = "/sys/firmware/efi"
SECURE_BOOT = f"{EFI}/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
LOCKDOWN = "/sys/kernel/security/lockdown"
SIG_ENFORCE = "/sys/module/module/parameters/sig_enforce"
# Where dkms keeps the key that it signs with: Debian and most others, then Ubuntu.
KEYS = ("/var/lib/dkms/mok.pub", "/var/lib/shim-signed/mok/MOK.der")
SIGN = "sudo apt install openssl mokutil && sudo dkms install --force tracer/{version} -k {release}"


def secure_boot(system: System) -> Finding:
    """Find out whether Secure Boot is on, and what follows for the module."""
    if not system.path(EFI).exists():
        return passed("This machine was not started by UEFI, so there is no Secure Boot.")
    state = secure_boot_state(system)
    if state is None:
        return skipped("Whether Secure Boot is on cannot be read here.")
    if not state:
        return passed("Secure Boot is off.")
    return needs_signature("Secure Boot is on", system)


def secure_boot_state(system: System) -> bool | None:
    """Return whether Secure Boot is on; None if it cannot be found out."""
    try:
        # Four bytes of attributes come before the value.
        return system.path(SECURE_BOOT).read_bytes()[4:5] == b"\x01"
    except OSError:
        ran = system.run("mokutil", "--sb-state")
    match = re.search(r"SecureBoot (enabled|disabled)", ran.output) if ran is not None else None
    return None if match is None else match[1] == "enabled"


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


def needs_signature(cause: str, system: System) -> Finding:
    """Return what it means for tracer that modules must be signed by a key the kernel trusts."""
    if is_loaded(system):
        return passed(f"{cause}, and it has accepted the module.")
    signer = modinfo(system, "signer")
    if signer is None:
        return warned(f"{cause}: the module loads only if signed by a trusted key.")
    if not modinfo(system, "filename"):
        return warned(f"{cause}: the module, once built, must be signed by a trusted key.")
    if not signer:
        command = SIGN.format(version=modinfo(system, "version"), release=system.release())
        return failed(f"{cause}, and the module is not signed.", command)
    return needs_enrolled_key(f"{cause}, and the module is signed by {signer!r}", system)


def needs_enrolled_key(cause: str, system: System) -> Finding:
    """Return whether the key that dkms signs with is one that the firmware trusts."""
    key = next((name for name in KEYS if system.path(name).exists()), None)
    if key is None:
        return warned(f"{cause}, whose key is not on this machine.")
    enrol = f"sudo mokutil --import {key} && sudo reboot"
    ran = system.run("mokutil", "--test-key", key)
    answer = "" if ran is None else ran.output + ran.errors
    if "already enrolled" in answer:
        return passed(f"{cause}, whose key is enrolled.")
    if "not enrolled" in answer:
        return failed(f"{cause}, whose key is not enrolled.", enrol)
    return warned(f"{cause}; whether that key is enrolled could not be found out.", enrol)
