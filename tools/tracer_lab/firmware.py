"""UEFI with Secure Boot for whole systems: the firmware's options, its memory, and an ESP.

The firmware trusts what Microsoft signed, as that of most machines does: Debian's own shim, which
trusts Debian's GRUB and kernel. All of them come from the root file system that is booted.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tracer_lab.commands import as_root, run
from tracer_lab.errors import LabError
from tracer_lab.machine import Machine, hardware, kernel_arguments
from tracer_lab.roots import kernel_image
from tracer_lab.vm import Guest, GuestResult, boot

CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd")
# With Secure Boot on, and with Microsoft's keys.
VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.ms.fd")
# In a root file system: the packages that hold what starts a kernel, and where it has to be.
PACKAGES = ("shim-signed", "grub-efi-amd64-signed")
STARTERS = {
    "usr/lib/shim/shimx64.efi.signed": "EFI/BOOT/BOOTX64.EFI",
    "usr/lib/shim/mmx64.efi.signed": "EFI/BOOT/mmx64.efi",
    "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed": "EFI/BOOT/grubx64.efi",
}
CONFIGURATION = "EFI/debian/grub.cfg"  # where Debian's signed GRUB looks
FREE = 4 << 20  # bytes of the ESP for the file system itself


@dataclass(frozen=True)
class Firmware:
    """UEFI with Secure Boot, and what it starts a machine from."""

    esp: Path
    variables: Path  # what it remembers from one boot to the next

    @property
    def options(self) -> list[str]:
        """What a QEMU with the machine type q35 is given to start this way."""
        flash = "if=pflash,format=raw"
        return [
            *("-machine", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"),
            *("-drive", f"{flash},unit=0,readonly=on,file={CODE}"),
            *("-drive", f"{flash},unit=1,file={self.variables}"),
            *("-drive", f"file={self.esp},format=raw,if=virtio,index=9,readonly=on"),
        ]


def make_firmware(root: Path, machine: Machine, folder: Path) -> Firmware:
    """A firmware that has never met this system, and an ESP to start the kernel of ``root`` from.

    ``root`` has PACKAGES installed. Both files are in ``folder``.
    Raises LabError if a file is missing in ``root`` or on the host.
    """
    if not (CODE.exists() and VARIABLES.exists()):
        raise LabError(f"there is no {CODE}, or no {VARIABLES}", "./bootstrap installs them")
    firmware = Firmware(folder / "esp.img", folder / "variables.fd")
    shutil.copyfile(VARIABLES, firmware.variables)
    with tempfile.TemporaryDirectory(prefix="esp-", dir=folder) as content:
        _lay_out(root, machine, Path(content))
        _make_fat(Path(content), firmware.esp)
    return firmware


def boot_by_firmware(guest: Guest, machine: Machine, firmware: Firmware) -> GuestResult:
    """Boot a whole system as its firmware does, with Secure Boot; see ``machine.boot_system``.

    The firmware then remembers what the guest had it remember.
    """
    before = firmware.variables.read_bytes()

    def launch(guest: Guest, monitor: Path) -> list[str]:
        firmware.variables.write_bytes(before)  # whatever a guest that was lost has left in it
        return [*hardware(machine, guest, monitor), *firmware.options]

    return boot(guest, launch=launch)


def _lay_out(root: Path, machine: Machine, content: Path) -> None:
    """Put everything that an ESP holds into the folder ``content``."""
    _, kernel = kernel_image(root)
    files = {root / name: place for name, place in STARTERS.items()}
    for source, place in {**files, kernel: "vmlinuz", machine.initramfs: "initrd.img"}.items():
        if not source.exists():
            raise LabError(f"there is no {source}", f"it takes {' and '.join(PACKAGES)}")
        (content / place).parent.mkdir(parents=True, exist_ok=True)
        run(as_root(["install", "-m", "644", str(source), str(content / place)]))
    configuration = content / CONFIGURATION
    configuration.parent.mkdir(parents=True)
    configuration.write_text(
        f"linux /vmlinuz {kernel_arguments(machine)}\ninitrd /initrd.img\nboot\n", encoding="ascii"
    )


def _make_fat(content: Path, image: Path) -> None:
    """Write a folder into an image of a FAT file system."""
    size = sum(file.stat().st_size for file in content.rglob("*") if file.is_file()) + FREE
    with image.open("wb") as handle:
        handle.truncate(max(size, 40 << 20))  # FAT32 is not for less
    run(["env", "PATH=/usr/sbin:/sbin:/usr/bin:/bin", "mkfs.vfat", "-F", "32", str(image)])
    names = [str(path) for path in sorted(content.iterdir())]
    run(["mcopy", "-s", "-i", str(image), *names, "::/"])
