"""What a firmware starts from, and how MokManager is answered, with a stand-in for QEMU."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tracer_lab import firmware, mok_manager
from tracer_lab.commands import run
from tracer_lab.errors import LabError
from tracer_lab.firmware import STARTERS, Firmware, boot_by_firmware, make_firmware
from tracer_lab.machine import Machine
from tracer_lab.vm import Guest, Launcher

# Asks as MokManager does, and writes what it was answered to the file in its first argument.
STAND_IN = """
import sys, tty
from pathlib import Path
answers, *prompts = sys.argv[1:]
tty.setraw(0)
for prompt in prompts:
    print(prompt, end="", flush=True)
    read = sys.stdin.read(1)
    while not (read.endswith("\\r") or read == " "):
        read += sys.stdin.read(1)
    with Path(answers).open("a") as file:
        file.write(repr(read) + "\\n")
"""
PROMPTS = (
    "Press any key to perform MOK management",
    "Continue boot  Enroll MOK",
    "View key 0  Continue",
    "No  Yes",
    "Password: ",
    "Reboot",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root file system with as much as an ESP is made of."""
    made = tmp_path / "root"
    for name in ("boot/vmlinuz-6.1.0", *STARTERS):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(name)
    return made


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    initramfs = tmp_path / "initramfs"
    initramfs.write_text("initramfs")
    return Machine(tmp_path / "disk.img", initramfs, arguments="quiet")


def read_from(image: Path, name: str) -> str:
    return run(["mtype", "-i", str(image), f"::/{name}"])


def test_the_esp_has_what_starts_the_kernel(root: Path, machine: Machine, tmp_path: Path) -> None:
    made = make_firmware(root, machine, tmp_path)
    for name, place in STARTERS.items():
        assert read_from(made.esp, place) == name
    assert read_from(made.esp, "vmlinuz") == "boot/vmlinuz-6.1.0"
    assert read_from(made.esp, "initrd.img") == "initramfs"
    linux, initrd, boot = read_from(made.esp, "EFI/debian/grub.cfg").splitlines()
    assert linux.startswith("linux /vmlinuz root=/dev/vda ")
    assert linux.endswith(" quiet")
    assert (initrd, boot) == ("initrd /initrd.img", "boot")


def test_a_system_without_shim_is_told_of(root: Path, machine: Machine, tmp_path: Path) -> None:
    (root / "usr/lib/shim/shimx64.efi.signed").unlink()
    with pytest.raises(LabError, match=r"there is no \S+/shimx64.efi.signed") as caught:
        make_firmware(root, machine, tmp_path)
    assert "shim-signed" in caught.value.hint


def test_a_host_without_the_firmware_is_told_of(
    root: Path, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firmware, "CODE", tmp_path / "none.fd")
    with pytest.raises(LabError, match=r"there is no \S+/none.fd"):
        make_firmware(root, machine, tmp_path)


def test_each_attempt_starts_from_the_same_memory(
    root: Path, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACER_LAB_ACCEL", "tcg")
    memory = tmp_path / "variables.fd"
    memory.write_text("of the boot before")
    found = []

    def boot(guest: Guest, launch: Launcher) -> None:
        for _ in range(2):
            command = launch(guest, tmp_path / "qmp")
            found.append(memory.read_text())
            memory.write_text("of a guest that was lost")
        assert "-kernel" not in command

    monkeypatch.setattr(firmware, "boot", boot)
    guest = Guest("stand-in", root, tmp_path, ["true"], seconds=60)
    boot_by_firmware(guest, machine, Firmware(tmp_path / "esp.img", memory))
    assert found == ["of the boot before"] * 2


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in for MokManager, which asks as it should, writes what it is answered."""
    ask(monkeypatch, tmp_path, PROMPTS)
    return tmp_path / "answers"


def ask(monkeypatch: pytest.MonkeyPatch, folder: Path, prompts: tuple[str, ...]) -> None:
    monkeypatch.setenv("TRACER_LAB_CACHE", str(folder / "cache"))
    stand_in = [sys.executable, "-c", STAND_IN, str(folder / "answers"), *prompts]
    monkeypatch.setattr(mok_manager, "as_root", lambda _: stand_in)


@pytest.fixture
def pending(tmp_path: Path) -> Firmware:
    return Firmware(tmp_path / "esp.img", tmp_path / "variables.fd")


def test_mok_manager_gets_the_answers_of_a_user(answers: Path, pending: Firmware) -> None:
    mok_manager.enrol("stand-in", pending, "eleven cats")
    down = "\x1b[B\r"
    expected = [" ", down, down, down, "eleven cats\r", "\r"]
    assert answers.read_text().splitlines() == [repr(answer) for answer in expected]


def test_a_mok_manager_that_does_not_ask_is_an_error(
    pending: Firmware, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(monkeypatch, tmp_path, PROMPTS[:2])
    with pytest.raises(LabError, match="MokManager did not say 'Continue'") as caught:
        mok_manager.enrol("stand-in", pending, "eleven cats")
    assert "mok-manager-stand-in.log" in caught.value.hint
