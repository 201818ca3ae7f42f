"""The signature that dkms puts on the module, on machines that load nothing without one.

One system is booted by UEFI with Secure Boot twice: as it is after the installation, when an
administrator does what tracer-check says, and after MokManager has enrolled dkms's key. Shim, GRUB
and kernel are Debian's own, and so is what they trust. The third boot is without UEFI.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tracer_lab import firmware as uefi
from tracer_lab.cache import cache_dir
from tracer_lab.cells import Cell
from tracer_lab.commands import SHARE, in_root, run
from tracer_lab.disk import ensure_initramfs, make_disk, prepare
from tracer_lab.firmware import Firmware, boot_by_firmware, make_firmware
from tracer_lab.machine import Machine
from tracer_lab.mok_manager import enrol
from tracer_lab.roots import throw_away_copy
from tracer_lab.vm import Guest, GuestResult, boot, fresh_share

pytestmark = [pytest.mark.vm, pytest.mark.package]

IN_GUEST = Path(__file__).with_name("in_guest")
SCRIPTS = ("signing.py", "looking.py")
TOOLS = ("mokutil", "sudo")  # what tracer-check tells users to run
SECONDS = 600  # emulated, on a busy machine
SIGNER = "DKMS module signing key"
KEY = "/var/lib/dkms/mok.pub"
PASSWORD = "eleven cats"  # noqa: S105 -- in_guest/signing.py gives it to mokutil
REFUSED = "modprobe: ERROR: could not insert 'tracer': Key was rejected by service"


@dataclass(frozen=True)
class Story:
    """What happened in a guest."""

    result: GuestResult
    facts: dict[str, Any]
    kernel_log: str

    def said(self, step: str) -> str:
        """What a command printed."""
        assert step in self.facts, self.result.output
        return str(self.facts[step]["output"]).strip()

    def status(self, step: str) -> int:
        """How a command ended."""
        return int(self.facts[step]["status"])

    def checks(self, step: str = "check") -> dict[str, dict[str, Any]]:
        """What each check of tracer-check found."""
        return {check["id"]: check for check in json.loads(self.said(step))["checks"]}


@dataclass(frozen=True)
class System:
    """An installed system, and what it boots from."""

    root: Path
    machine: Machine
    firmware: Firmware


@pytest.fixture(scope="module")
def system(cell: Cell, installed: Path) -> Iterator[System]:
    """The packages on a system with Secure Boot whose firmware has never met dkms's key."""
    name = f"signing-{cell.name}"
    with (
        throw_away_copy(installed, name) as root,
        tempfile.TemporaryDirectory(prefix="signing-", dir=cache_dir()) as folder,
    ):
        run(in_root(root, ["apt-get", "update"]))
        apt = ["apt-get", "install", "--yes", "--no-install-recommends"]
        run(in_root(root, [*apt, *uefi.PACKAGES, *TOOLS]))
        prepare(root)
        machine = Machine(Path(folder) / "disk.img", ensure_initramfs(cell))
        make_disk(root, machine.disk)
        yield System(root, machine, make_firmware(root, machine, Path(folder)))


def booted(name: str, system: System, parts: Sequence[str], *, by_firmware: bool = True) -> Story:
    """Boot a system and have it do these parts of in_guest/signing.py."""
    command = ["python3", f"{SHARE}/signing.py", f"{SHARE}/facts.json", *parts]
    with fresh_share(f"signing-{name}") as share:
        for script in SCRIPTS:
            shutil.copy(IN_GUEST / script, share)
        arguments = () if by_firmware else ("module.sig_enforce=1",)
        guest = Guest(
            f"signing-{name}", system.root, share, command, SECONDS, cpus=1, arguments=arguments
        )
        result = (
            boot_by_firmware(guest, system.machine, system.firmware) if by_firmware else boot(guest)
        )
        assert result.status == 0, result.output
        log = (share / "kernel.log").read_text(errors="replace")
        return Story(result, json.loads((share / "facts.json").read_text()), log)


@pytest.fixture(scope="module")
def not_enrolled(system: System) -> Story:
    parts = ("state", "load", "check", "check_as_user", "import_key")
    return booted("not-enrolled", system, parts)


@pytest.fixture(scope="module")
def enrolled(system: System, not_enrolled: Story) -> Story:
    assert not_enrolled.status("import") == 0, not_enrolled.said("import")
    enrol("signing", system.firmware, PASSWORD)
    return booted("enrolled", system, ("state", "load", "check", "unsigned"))


@pytest.fixture(scope="module")
def enforced(system: System) -> Story:
    return booted("enforced", system, ("state", "load", "check"), by_firmware=False)


def test_secure_boot_locks_the_kernel_down(not_enrolled: Story) -> None:
    assert not_enrolled.said("secure boot") == "SecureBoot enabled"
    assert "[integrity]" in not_enrolled.said("lockdown")
    assert not_enrolled.said("enforced") == "Y"
    assert SIGNER not in not_enrolled.said("keys")


def test_without_the_key_the_module_is_refused(not_enrolled: Story) -> None:
    assert not_enrolled.status("at boot") != 0
    assert (not_enrolled.status("load"), not_enrolled.said("load")) == (1, REFUSED)
    assert not_enrolled.status("after") != 0
    assert "Loading of module with unavailable key is rejected" in not_enrolled.kernel_log


@pytest.mark.parametrize("step", ["check", "check of a user"])
def test_tracer_check_says_which_key_to_enrol_and_how(not_enrolled: Story, step: str) -> None:
    checks = not_enrolled.checks(step)
    assert not_enrolled.status(step) == 1
    failed = {name: check for name, check in checks.items() if check["status"] == "FAIL"}
    assert list(failed) == ["secure-boot"]
    assert failed["secure-boot"]["fact"] == (
        f"Secure Boot is on, and the module is signed by {SIGNER!r}, whose key is not enrolled."
    )
    assert failed["secure-boot"]["command"] == f"sudo mokutil --import {KEY} && sudo reboot"


def test_what_tracer_check_tells_is_taken_and_it_asks_for_the_boot(not_enrolled: Story) -> None:
    assert not_enrolled.status("import") == 0, not_enrolled.said("import")
    check = not_enrolled.checks("check after import")["secure-boot"]
    assert check["status"] == "FAIL"
    assert check["fact"].endswith("to be enrolled at the next boot: MokManager then asks.")
    assert check["command"] == "sudo reboot"


def test_mok_manager_hands_the_key_to_the_kernel(enrolled: Story) -> None:
    assert enrolled.said("secure boot") == "SecureBoot enabled"
    assert "[integrity]" in enrolled.said("lockdown")
    assert SIGNER in enrolled.said("keys")


def test_with_the_key_the_module_is_loaded_at_boot(enrolled: Story) -> None:
    assert enrolled.said("at boot") == "live"
    assert enrolled.status("load") == 0


def test_with_the_key_every_check_passes(enrolled: Story) -> None:
    statuses = {name: check["status"] for name, check in enrolled.checks().items()}
    assert set(statuses.values()) == {"PASS"}, statuses
    assert "counted exactly" in enrolled.checks()["counters"]["fact"]


def test_without_its_signature_the_module_is_refused_all_the_same(enrolled: Story) -> None:
    assert enrolled.status("unload") == 0, enrolled.said("unload")
    assert (enrolled.status("signer"), enrolled.said("signer")) == (0, "")
    assert enrolled.status("load unsigned") == 1
    assert "Loading of unsigned module is rejected" in enrolled.kernel_log


def test_without_uefi_a_kernel_that_enforces_signatures_refuses_the_module(enforced: Story) -> None:
    assert enforced.said("secure boot") == "EFI variables are not supported on this system"
    assert "[none]" in enforced.said("lockdown")
    assert (enforced.status("load"), enforced.said("load")) == (1, REFUSED)


def test_without_uefi_tracer_check_does_not_send_users_to_mokutil(enforced: Story) -> None:
    checks = enforced.checks()
    failed = {name: check for name, check in checks.items() if check["status"] == "FAIL"}
    assert list(failed) == ["signatures"]
    assert failed["signatures"]["fact"] == (
        f"The kernel loads signed modules only, and the module is signed by {SIGNER!r}, whose key "
        "it does not have. Enrolled keys count only with UEFI Secure Boot: switch that on, or "
        "start the kernel without module.sig_enforce=1."
    )
    assert failed["signatures"]["command"] is None


@pytest.mark.parametrize("story", ["not_enrolled", "enrolled", "enforced"])
def test_the_guests_power_off_in_order(story: str, request: pytest.FixtureRequest) -> None:
    result = request.getfixturevalue(story).result
    assert result.powered_off, f"console: {result.console}"
