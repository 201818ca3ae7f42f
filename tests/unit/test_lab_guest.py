"""The life of a guest as the lab sees it, with a stand-in for QEMU that ends as it is told."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tracer_lab import vm
from tracer_lab.commands import as_root
from tracer_lab.errors import LabError
from tracer_lab.machine import Machine, qemu_command
from tracer_lab.vm import Guest, GuestLost, GuestPanicked, boot

pytestmark = pytest.mark.filterwarnings("ignore:guest stand-in was lost")

# Speaks QMP as QEMU does and plays the ends named on its command line, one a start.
STAND_IN = """
import json, socket, sys
from pathlib import Path
qmp, share, *ends = sys.argv[1:]
count = Path(share).parent / "starts"
start = len(count.read_text()) if count.exists() else 0
count.write_text("." * (start + 1))
end = ends[start]
if end == "no start":
    sys.exit("qemu: no such machine")
with socket.socket(socket.AF_UNIX) as host:
    host.connect(qmp)
    host.recv(4096)
    if end == "hang":
        while b"quit" not in host.recv(4096):
            pass
    else:
        Path(share, "output").write_text(f"start {start}")
        Path(share, f"trace-{start}").touch()
    if end == "panic":
        print("[ 1.5] Kernel panic - not syncing: Fatal exception", flush=True)
    if end in ("off", "reset"):
        Path(share, "status").write_text("3")
    reason = {"off": "guest-shutdown", "hang": "host-qmp-quit"}.get(end, "guest-reset")
    host.sendall(json.dumps({"event": "SHUTDOWN", "data": {"reason": reason}}).encode() + b"\\n")
"""


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Guest:
    monkeypatch.setenv("TRACER_LAB_CACHE", str(tmp_path / "cache"))
    root, share = tmp_path / "root", tmp_path / "share"
    (root / "boot").mkdir(parents=True)
    (root / "boot" / "vmlinuz-6.1.0").touch()
    share.mkdir()
    (share / "input").touch()
    return Guest("stand-in", root, share, ["echo", "it's"], seconds=60)


def ends(monkeypatch: pytest.MonkeyPatch, *how: str) -> None:
    """Have guests end so: the first one like this, the next one like that."""

    def command(guest: Guest, qmp: Path) -> list[str]:
        return [sys.executable, "-c", STAND_IN, str(qmp), str(guest.share), *how]

    monkeypatch.setattr(vm, "vng_command", command)
    monkeypatch.setattr(vm, "as_root", list)


def test_a_guest_that_powers_off_gives_its_result(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(monkeypatch, "off")
    result = boot(guest)
    assert (result.status, result.output, result.kernel) == (3, "start 0", "6.1.0")
    assert result.powered_off


def test_a_guest_that_resets_did_not_power_off(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(monkeypatch, "reset")
    assert not boot(guest).powered_off


def test_a_lost_guest_is_booted_once_more(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    ends(monkeypatch, "lost", "off")
    with pytest.warns(UserWarning, match="guest stand-in was lost"):
        result = boot(guest)
    assert (result.status, result.output) == (3, "start 1")


def test_a_panic_is_no_lost_guest(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    ends(monkeypatch, "panic", "off")
    with pytest.raises(GuestPanicked, match="stand-in") as error:
        boot(guest)
    assert "console-stand-in-1.log" in error.value.hint


PANICKED = """\
[    0.1] BUG: unrelated, long ago
[   51.0] random: crng init done
[   99.1] ==================================================================
[   99.1] BUG: KASAN: slab-use-after-free in tracer_find+0x1c/0x40 [tracer]
[   99.1] Read of size 8 at addr ffff88800c0f5a10 by task python3/214
[   99.2] Kernel panic - not syncing: KASAN: panic_on_warn set ...
[   99.2] CPU: 0 PID: 214 Comm: python3
"""


def test_the_last_report_before_a_panic_is_shown() -> None:
    assert vm.report_before_panic(PANICKED) == PANICKED.splitlines()[3:6]


def test_of_a_panic_without_a_report_its_reason_is_shown() -> None:
    console = "[ 1.0] Run /init\n[ 1.1] Kernel panic - not syncing: No init found.\r\n[ 1.2] x"
    assert vm.report_before_panic(console) == [console.splitlines()[1]]


def test_a_guest_lost_twice_is_neither_pass_nor_fail(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(monkeypatch, "lost", "lost", "off")
    with pytest.raises(GuestLost, match="stand-in") as error:
        boot(guest)
    for number in (1, 2):
        assert f"console-stand-in-{number}.log" in error.value.hint


def test_what_a_lost_guest_wrote_is_gone_before_the_next(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(monkeypatch, "lost", "lost")
    with pytest.raises(GuestLost):
        boot(guest)
    assert (guest.share / "input").exists()
    assert [path.name for path in guest.share.glob("trace-*")] == ["trace-1"]


def test_a_guest_that_hangs_is_ended_at_its_limit(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(monkeypatch, "hang", "hang")
    with pytest.raises(GuestLost):
        boot(Guest("stand-in", guest.root, guest.share, guest.command, seconds=0))


def test_a_qemu_that_does_not_start_is_an_error_with_its_words(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(monkeypatch, "no start")
    with pytest.raises(LabError, match="no such machine") as error:
        boot(guest)
    assert not isinstance(error.value, GuestLost)


def test_the_command_reaches_the_guest_as_it_was_given(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(monkeypatch, "off")
    boot(guest)
    assert (guest.share / "command").read_text() == "echo 'it'\"'\"'s'\n"


@pytest.mark.parametrize(("accelerator", "emulated"), [("kvm", False), ("tcg", True)])
def test_kvm_is_left_out_where_it_does_not_work(
    accelerator: str, emulated: bool, guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACER_LAB_ACCEL", accelerator)
    assert ("--disable-kvm" in vm.vng_command(guest, Path("qmp"))) == emulated


@pytest.mark.parametrize(
    ("line", "over_9p"),
    [("CONFIG_9P_FS=m", True), ("CONFIG_9P_FS=y", True), ("# CONFIG_9P_FS is not set", False)],
)
def test_a_kernel_without_9p_gets_its_files_over_virtio_fs(
    line: str, over_9p: bool, guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACER_LAB_ACCEL", "tcg")
    monkeypatch.setattr(vm, "VIRTIOFSD", (Path(sys.executable),))
    (guest.root / "boot" / "config-6.1.0").write_text(f"CONFIG_A=y\n{line}\nCONFIG_B=y\n")
    assert ("--force-9p" in vm.vng_command(guest, Path("qmp"))) == over_9p


def test_a_kernel_without_9p_needs_virtiofsd(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vm, "VIRTIOFSD", (Path("/nowhere"),))
    (guest.root / "boot" / "config-6.1.0").write_text("# CONFIG_9P_FS is not set\n")
    with pytest.raises(LabError, match=r"Linux 6\.1\.0 has no 9p"):
        vm.vng_command(guest, Path("qmp"))


def test_only_a_user_who_is_not_root_needs_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert as_root(["true"]) == ["sudo", "--", "true"]
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert as_root(["true"]) == ["true"]


@pytest.mark.parametrize(("accelerator", "option"), [("kvm", "kvm"), ("tcg", vm.EMULATION)])
def test_a_whole_system_is_emulated_where_kvm_does_not_work(
    accelerator: str, option: str, guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACER_LAB_ACCEL", accelerator)
    command = qemu_command(Machine(Path("disk"), Path("initramfs")), guest, Path("qmp"))
    assert command[command.index("-accel") + 1] == option


def test_a_whole_system_leaves_its_disk_as_it_was(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACER_LAB_ACCEL", "tcg")
    command = qemu_command(Machine(Path("disk"), Path("initramfs")), guest, Path("qmp"))
    assert "snapshot=on" in command[command.index("-drive") + 1].split(",")


def test_a_guest_may_be_booted_in_another_way(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(monkeypatch, "off")
    given = vm.vng_command
    monkeypatch.delattr(vm, "vng_command")
    assert boot(guest, launch=given).powered_off
