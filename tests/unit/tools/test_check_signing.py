from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tracer_tools.check import security, uefi
from tracer_tools.check.checks import CHECKS
from tracer_tools.check.engine import Finding, Status, examine

if TYPE_CHECKING:
    from tests.unit.tools.conftest import Machine

RELEASE = "6.1.0-50-amd64"
KEY = "/var/lib/dkms/mok.pub"
SIGNER = "DKMS module signing key"
SERIAL = "42:24:E9:F5"
ENROL = f"sudo mokutil --import {KEY} && sudo reboot"
REBUILD = (
    f"sudo dkms remove tracer/1.0.0 -k {RELEASE} && sudo dkms install tracer/1.0.0 -k {RELEASE}"
)
APT = "sudo apt install openssl mokutil"


def install_module(machine: Machine, *, signer: str = "") -> None:
    fields = {"filename": "/lib/modules/x/tracer.ko", "version": "1.0.0", "signer": signer}
    fields["sig_key"] = SERIAL if signer else ""
    for field, value in fields.items():
        machine.answer(f"modinfo -k {RELEASE} -F {field} tracer", value + "\n")


def switch_secure_boot(machine: Machine, *, on: bool) -> None:
    set_variable(machine, uefi.SECURE_BOOT, on=on)


def set_variable(machine: Machine, name: str, *, on: bool) -> None:
    machine.write(name, "")
    machine.path(name).write_bytes(b"\x06\0\0\0" + (b"\1" if on else b"\0"))


def put_certificate(machine: Machine, name: str = KEY, serial: str = SERIAL) -> None:
    machine.write(name, "")
    content = b"0\x82\x03\x27\x02\x14" + bytes.fromhex(serial.replace(":", "")) + b"0\x0d"
    machine.path(name).write_bytes(content)


@pytest.fixture
def signed(machine: Machine) -> Machine:
    """A machine with Secure Boot, on which dkms has signed the module."""
    switch_secure_boot(machine, on=True)
    install_module(machine, signer=SIGNER)
    put_certificate(machine)
    return machine


@pytest.fixture
def enforcing(machine: Machine) -> Machine:
    """A machine without UEFI whose kernel was told to take signed modules only."""
    install_module(machine, signer=SIGNER)
    put_certificate(machine)
    machine.write("/proc/cmdline", "root=/dev/vda module.sig_enforce=1 quiet\n")
    machine.write(security.SIG_ENFORCE, "Y\n")
    return machine


def put_kernel_keys(machine: Machine, *names: str) -> None:
    lines = [
        f"01 I------ 1 perm 1f010000 0 0 asymmetri {name}: 9f: X509.rsa 9f []" for name in names
    ]
    lines.append("02 I------ 1 perm 082f0000 0 0 keyring .fs-verity: empty")
    machine.write("/proc/keys", "\n".join(lines))


def told(finding: Finding) -> tuple[Status, str]:
    return finding.status, finding.command


def test_without_uefi_there_is_no_secure_boot(machine: Machine) -> None:
    assert security.secure_boot(machine).status is Status.PASS


def test_secure_boot_that_is_off_passes(machine: Machine) -> None:
    switch_secure_boot(machine, on=False)
    assert security.secure_boot(machine).fact == "Secure Boot is off."


def test_secure_boot_that_shim_does_not_heed_is_off(signed: Machine) -> None:
    set_variable(signed, uefi.UNCHECKED, on=True)
    assert security.secure_boot(signed).fact == "Secure Boot is off."


def test_secure_boot_that_the_kernel_does_not_heed_passes(signed: Machine) -> None:
    signed.answer(f"mokutil --test-key {KEY}", f"{KEY} is not enrolled\n")
    signed.write(security.SIG_ENFORCE, "N\n")
    signed.write(security.LOCKDOWN, "[none] integrity confidentiality\n")
    assert security.secure_boot(signed).status is Status.PASS
    signed.write(security.LOCKDOWN, "none [integrity] confidentiality\n")
    assert security.secure_boot(signed).status is Status.FAIL


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SecureBoot enabled\n", True),
        ("SecureBoot disabled\n", False),
        ("SecureBoot enabled\nSecureBoot validation is disabled in shim\n", False),
        ("Failed to read SecureBoot\n", None),
    ],
)
def test_mokutil_is_asked_where_the_variable_cannot_be_read(
    machine: Machine, text: str, *, expected: bool | None
) -> None:
    machine.write("/sys/firmware/efi/systab", "")
    machine.answer("mokutil --sb-state", text)
    assert uefi.secure_boot_state(machine) is expected


def test_an_unsigned_module_is_built_again_and_signed(machine: Machine) -> None:
    switch_secure_boot(machine, on=True)
    install_module(machine)
    finding = security.secure_boot(machine)
    assert told(finding) == (Status.FAIL, f"{APT} && {REBUILD}")
    assert finding.fact == "Secure Boot is on, and the module is not signed."


def test_a_dkms_that_does_not_sign_by_itself_is_told_to(machine: Machine) -> None:
    switch_secure_boot(machine, on=True)
    install_module(machine)
    machine.answer("dkms --version", "dkms:2.8\n")
    command = security.secure_boot(machine).command
    assert command.startswith(f"{APT} && {{ sudo test -e /root/mok.der || sudo openssl req ")
    assert (
        "echo sign_tool=/etc/dkms/sign_helper.sh | sudo tee -a /etc/dkms/framework.conf" in command
    )
    assert command.endswith(REBUILD)


def test_a_sign_tool_of_the_users_own_is_left_as_it_is(machine: Machine) -> None:
    switch_secure_boot(machine, on=True)
    install_module(machine)
    machine.answer("dkms --version", "dkms:2.8\n")
    machine.write("/etc/dkms/framework.conf", '# sign_tool="/a"\nsign_tool="/opt/sign"\n')
    assert security.secure_boot(machine).command == f"{APT} && {REBUILD}"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (f"{KEY} is already enrolled\n", (Status.PASS, "")),
        (f"{KEY} is not enrolled\n", (Status.FAIL, ENROL)),
        (f"{KEY} is already in the enrollment request\n", (Status.FAIL, "sudo reboot")),
        ("", (Status.WARN, ENROL)),
    ],
)
def test_secure_boot_needs_the_key_enrolled(
    signed: Machine, answer: str, expected: tuple[Status, str]
) -> None:
    signed.answer(f"mokutil --test-key {KEY}", answer)
    assert told(security.secure_boot(signed)) == expected


def test_without_mokutil_it_is_to_be_installed_first(signed: Machine) -> None:
    expected = (Status.WARN, f"sudo apt install mokutil && {ENROL}")
    assert told(security.secure_boot(signed)) == expected


def test_the_certificate_that_dkms_is_told_to_use_comes_first(signed: Machine) -> None:
    signed.write("/etc/dkms/framework.conf", "mok_certificate=/etc/elsewhere.der\n")
    signed.write("/etc/dkms/framework.conf.d/keys.conf", 'mok_certificate="/etc/$kernelver.der"\n')
    put_certificate(signed, f"/etc/{RELEASE}.der")
    signed.answer(f"mokutil --test-key /etc/{RELEASE}.der", "is not enrolled\n")
    assert security.secure_boot(signed).command.startswith(
        f"sudo mokutil --import /etc/{RELEASE}.der "
    )


def test_a_module_signed_by_an_earlier_key_is_signed_again(signed: Machine) -> None:
    put_certificate(signed, serial="11:22:33:44")
    signed.answer(f"mokutil --test-key {KEY}", f"{KEY} is already enrolled\n")
    finding = security.secure_boot(signed)
    assert told(finding) == (Status.WARN, f"{APT} && {REBUILD}")


def test_a_module_signed_elsewhere_is_not_to_be_built_here(signed: Machine) -> None:
    signed.path(KEY).unlink()
    finding = security.secure_boot(signed)
    assert told(finding) == (Status.WARN, "")
    assert finding.fact.endswith("whose key is not on this machine.")


def hide(machine: Machine, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the folder of a file be one that this user may not look into."""
    hidden, exists = machine.path(name), Path.exists

    def refuse(path: Path) -> bool:
        if path == hidden:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return exists(path)

    monkeypatch.setattr(Path, "exists", refuse)


def test_a_key_that_is_found_is_enough_where_others_are_for_root(
    signed: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(signed, "/root/mok.der", monkeypatch)
    signed.answer(f"mokutil --test-key {KEY}", f"{KEY} is not enrolled\n")
    assert told(security.secure_boot(signed)) == (Status.FAIL, ENROL)


def test_a_key_that_only_root_may_look_at_is_left_to_root(
    signed: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed.path(KEY).unlink()
    hide(signed, "/root/mok.der", monkeypatch)
    assert told(security.secure_boot(signed)) == (Status.WARN, "sudo tracer-check")


def test_secure_boot_is_content_with_a_module_that_is_loaded(signed: Machine) -> None:
    signed.load_module()
    assert security.secure_boot(signed).status is Status.PASS


def test_the_remedy_is_said_once(signed: Machine) -> None:
    signed.write("/lib/modules/x/tracer.ko", "")
    signed.write(security.LOCKDOWN, "none [integrity] confidentiality\n")
    signed.write(security.SIG_ENFORCE, "Y\n")
    signed.answer(f"mokutil --test-key {KEY}", f"{KEY} is not enrolled\n")
    ids = {"secure-boot", "lockdown", "signatures", "module-loaded"}
    results = {result.check.id: result for result in examine(CHECKS, signed)}
    statuses = {name: results[name].status for name in ids}
    assert statuses == {**dict.fromkeys(ids, Status.SKIP), "secure-boot": Status.FAIL}
    assert results["module-loaded"].finding.fact == "Not checked: secure-boot must pass first."


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("[none] integrity confidentiality\n", Status.PASS),
        ("none [integrity] confidentiality\n", Status.FAIL),
        ("nonsense\n", Status.SKIP),
    ],
)
def test_lockdown_refuses_an_unsigned_module(machine: Machine, text: str, status: Status) -> None:
    install_module(machine)
    machine.write(security.LOCKDOWN, text)
    assert security.lockdown(machine).status is status


@pytest.mark.parametrize(("text", "status"), [("N\n", Status.PASS), ("Y\n", Status.FAIL)])
def test_enforced_signatures_refuse_an_unsigned_module(
    machine: Machine, text: str, status: Status
) -> None:
    install_module(machine)
    machine.write(security.SIG_ENFORCE, text)
    assert security.signatures_enforced(machine).status is status


def test_without_secure_boot_a_key_that_the_kernel_lacks_cannot_be_enrolled(
    enforcing: Machine,
) -> None:
    put_kernel_keys(enforcing, "Build time autogenerated kernel key")
    # mokutil speaks of a list that such a kernel does not read.
    enforcing.answer(f"mokutil --test-key {KEY}", f"{KEY} is already enrolled\n")
    finding = security.signatures_enforced(enforcing)
    assert told(finding) == (Status.FAIL, "")
    assert finding.fact == (
        f"The kernel loads signed modules only, and the module is signed by {SIGNER!r}, whose key "
        "it does not have. Enrolled keys count only with UEFI Secure Boot: switch that on, or "
        "start the kernel without module.sig_enforce=1."
    )


def test_without_secure_boot_a_key_of_the_kernel_will_do(enforcing: Machine) -> None:
    put_kernel_keys(enforcing, SIGNER)
    assert security.signatures_enforced(enforcing).status is Status.PASS


def test_without_secure_boot_only_root_sees_which_keys_the_kernel_has(enforcing: Machine) -> None:
    put_kernel_keys(enforcing)
    assert told(security.signatures_enforced(enforcing)) == (Status.WARN, "sudo tracer-check")


def test_a_machine_without_uefi_is_not_told_to_switch_off_what_nobody_asked_for(
    enforcing: Machine,
) -> None:
    enforcing.write("/proc/cmdline", "quiet\n")
    put_kernel_keys(enforcing, "Build time autogenerated kernel key")
    assert security.signatures_enforced(enforcing).fact.endswith(
        "UEFI Secure Boot: switch that on."
    )
