"""What a kernel that takes signed modules only makes of this module, and of the key behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer_tools.check.distribution import identify
from tracer_tools.check.engine import Finding, failed, passed, warned
from tracer_tools.check.module import modinfo
from tracer_tools.check.uefi import secure_boot_state
from tracer_tools.errors import FormatError
from tracer_tools.module import is_loaded
from tracer_tools.system import System

# Where the certificate of the key is that dkms signs with: Debian and most others, then Ubuntu,
# then dkms 2 of Debian, whose helper script names this file.
CERTIFICATES = ("/var/lib/dkms/mok.pub", "/var/lib/shim-signed/mok/MOK.der", "/root/mok.der")
FRAMEWORK = "/etc/dkms/framework.conf"
SIGN_HELPER = "/etc/dkms/sign_helper.sh"
# dkms 3 makes a key like this by itself, dkms 2 does not.
MAKE_KEY = (
    "sudo openssl req -new -x509 -nodes -days 36500 -newkey rsa:2048 "
    "-subj '/CN=DKMS module signing key' -keyout /root/mok.priv -outform DER -out /root/mok.der"
)
KERNEL_KEYS = "/proc/keys"
KERNEL_ARGUMENTS = "/proc/cmdline"
AS_ROOT = "sudo tracer-check"
# kmod writes 20 bytes a line, which is all that most serial numbers have.
SERIAL = re.compile(r"[0-9A-F]{2}(?::\s*[0-9A-F]{2})*", re.ASCII | re.IGNORECASE)


def needs_signature(cause: str, system: System) -> Finding:
    """Return what it means for tracer that modules must be signed by a key the kernel trusts."""
    if is_loaded(system):
        return passed(f"{cause}, and it has accepted the module.")
    signer = modinfo(system, "signer")
    if signer is None:
        return warned(f"{cause}: the module loads only if signed by a trusted key.")
    if not modinfo(system, "filename"):
        return warned(f"{cause}: the module, once built, must be signed by a trusted key.")
    if secure_boot_state(system) is False:
        return needs_own_key(cause, signer, system)
    if not signer:
        return failed(f"{cause}, and the module is not signed.", sign_again(system))
    return needs_enrolled_key(f"{cause}, and the module is signed by {signer!r}", system)


def needs_own_key(cause: str, signer: str, system: System) -> Finding:
    """Return whether a kernel without Secure Boot, which takes no enrolled key, has this one."""
    if not signer:
        return failed(f"{cause}, and the module is not signed. {without_secure_boot(system)}")
    signed = f"{cause}, and the module is signed by {signer!r}"
    names = kernel_keys(system)
    if not names:
        return warned(f"{signed}; which keys the kernel has is for root to see.", AS_ROOT)
    if any(f"{signer}: " in name for name in names):
        return passed(f"{signed}, whose key it has.")
    return failed(f"{signed}, whose key it does not have. {without_secure_boot(system)}")


def kernel_keys(system: System) -> list[str]:
    """Return the kernel's public keys, name and id, as far as this user may see them."""
    try:
        lines = system.read(KERNEL_KEYS).splitlines()
    except OSError:
        return []
    return [line.partition(" asymmetri ")[2] for line in lines if " asymmetri " in line]


def without_secure_boot(system: System) -> str:
    """Return what can be done where no key can be enrolled, as no single command does it."""
    try:
        words = system.read(KERNEL_ARGUMENTS).split()
    except OSError:
        words = []
    asked = [word for word in words if word.startswith(("module.sig_enforce", "lockdown="))]
    way_out = f", or start the kernel without {' '.join(asked)}" if asked else ""
    return f"Enrolled keys count only with UEFI Secure Boot: switch that on{way_out}."


def needs_enrolled_key(signed: str, system: System) -> Finding:
    """Return whether the key that dkms signs with is one that the firmware trusts."""
    others = hidden = False
    for name in certificates(system):
        try:
            if not system.path(name).exists():
                continue
            if has_signed(name, system):
                return is_enrolled(name, signed, system)
            others = True
        except PermissionError:
            hidden = True
    if hidden:
        return warned(f"{signed}, whose key is for root to look at.", AS_ROOT)
    # Where dkms has a key, it is another one than when the module was built.
    again = sign_again(system) if others else ""
    return warned(f"{signed}, whose key is not on this machine.", again)


def is_enrolled(key: str, signed: str, system: System) -> Finding:
    """Return whether a key is among those that the firmware hands to the kernel."""
    enrol = f"sudo mokutil --import {key} && sudo reboot"
    ran = system.run("mokutil", "--test-key", key)
    if ran is None:
        commands = [identify(system).install("mokutil"), enrol]
        fact = f"{signed}; without mokutil it cannot be found out whether its key is enrolled."
        return warned(fact, " && ".join(filter(None, commands)))
    answer = ran.output + ran.errors
    if "already enrolled" in answer:
        return passed(f"{signed}, whose key is enrolled.")
    if "enrollment request" in answer:
        fact = f"{signed}, whose key is to be enrolled at the next boot: MokManager then asks."
        return failed(fact, "sudo reboot")
    if "not enrolled" in answer:
        return failed(f"{signed}, whose key is not enrolled.", enrol)
    return warned(f"{signed}; whether its key is enrolled could not be found out.", enrol)


def certificates(system: System) -> Iterator[str]:
    """Yield the files that the certificate may be in, first the one that dkms is told to use."""
    configured = framework(system, "mok_certificate")
    if configured:
        yield re.sub(r"\$(\{kernelver\}|kernelver\b)", system.release(), configured)
    yield from CERTIFICATES


def framework(system: System, variable: str) -> str:
    """Return what dkms's configuration sets a variable to, empty if it does not."""
    files = [FRAMEWORK]
    folder = system.path(f"{FRAMEWORK}.d")
    if folder.is_dir():
        files += [f"{FRAMEWORK}.d/{file.name}" for file in sorted(folder.glob("*.conf"))]
    value = ""
    for file in files:
        if system.path(file).exists():
            set_to = re.findall(rf"(?m)^\s*{variable}=[\"']?([^\"'\s#]+)", system.read(file))
            value = set_to[-1] if set_to else value
    return value


def has_signed(certificate: str, system: System) -> bool:
    """Return whether a certificate is of the key that signed the module.

    Raises OSError, and FormatError if modinfo gives no serial number of a key.
    """
    serial = modinfo(system, "sig_key") or ""
    if not SERIAL.fullmatch(serial):
        raise FormatError(f"modinfo -F sig_key: no serial number: {serial!r}")
    # A certificate holds its serial number; a random one is nowhere else.
    return bytes.fromhex(serial.replace(":", "")) in system.path(certificate).read_bytes()


def sign_again(system: System) -> str:
    """Return the command that has dkms build the module once more, and sign it this time."""
    module = f"tracer/{modinfo(system, 'version')} -k {system.release()}"
    # Without the removal dkms installs what it has built before.
    steps = [
        identify(system).install("openssl", "mokutil"),
        *set_up_signing(system),
        f"sudo dkms remove {module}",
        f"sudo dkms install {module}",
    ]
    return " && ".join(filter(None, steps))


def set_up_signing(system: System) -> Iterator[str]:
    """Yield the commands that make a dkms sign which does not do so by itself."""
    ran = system.run("dkms", "--version")
    tool = framework(system, "sign_tool")
    if ran is None or not re.match(r"dkms: ?2", ran.output) or identify(system).family != "debian":
        return
    if tool in {"", SIGN_HELPER}:
        yield f"{{ sudo test -e /root/mok.der || {MAKE_KEY}; }}"
    if not tool:
        yield f"echo sign_tool={SIGN_HELPER} | sudo tee -a {FRAMEWORK}"
