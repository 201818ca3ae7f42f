"""Whole systems under QEMU: a disk with systemd as init, the suite's own kernel and initramfs.

Where ``vm`` starts a kernel on a folder of the host and runs a command in place of an init,
here everything happens that happens at the boot of an installed Debian.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tracer_lab.accel import accelerator
from tracer_lab.disk import SHARE_TAG
from tracer_lab.roots import kernel_image
from tracer_lab.vm import EMULATION, Guest, GuestResult, boot, limited

# A panic ends the guest: QEMU does not start it again.
ARGUMENTS = "root=/dev/vda rw console=ttyS0 panic=-1"


@dataclass(frozen=True)
class Machine:
    """What a system boots from, beside the root that its disk was made of."""

    disk: Path  # not changed: what the guest writes is gone with it
    initramfs: Path
    arguments: str = ""  # further ones for the kernel
    options: Sequence[str] = ()  # further ones for QEMU


def boot_system(guest: Guest, machine: Machine) -> GuestResult:
    """Boot a whole system, run the guest's command as root once it is up, and wait for its end.

    The disk is one of ``system_disk(guest.root, ...)``. Raises what ``vm.boot`` raises.
    """
    return boot(guest, launch=partial(qemu_command, machine))


def qemu_command(machine: Machine, guest: Guest, monitor: Path) -> list[str]:
    """The command that boots a guest from a disk, under a time limit that nothing outlives."""
    _, kernel = kernel_image(guest.root)
    started = ["-kernel", str(kernel), "-initrd", str(machine.initramfs)]
    return [*hardware(machine, guest, monitor), *started, "-append", kernel_arguments(machine)]


def kernel_arguments(machine: Machine) -> str:
    """What the kernel of a machine is told at its start."""
    return f"{ARGUMENTS} {machine.arguments}".rstrip()


def processor_for(kernel: Path) -> tuple[str, str]:
    """The accelerator that runs a kernel here, and the processor that it shows, as QEMU's options.

    Their names are ``-accel`` and ``-cpu``.
    """
    return ("kvm", "host") if accelerator(kernel) == "kvm" else (EMULATION, "max")


def hardware(machine: Machine, guest: Guest, monitor: Path) -> list[str]:
    """The command that runs a machine, without what starts a kernel on it."""
    _, kernel = kernel_image(guest.root)
    command = [*limited(guest), "qemu-system-x86_64", "-nodefaults", "-no-reboot"]
    accel, cpu = processor_for(kernel)
    command += ["-accel", accel, "-cpu", cpu]
    command += ["-machine", "q35", "-smp", str(guest.cpus), "-m", guest.memory]
    command += ["-display", "none", "-serial", "stdio", "-qmp", f"unix:{monitor}"]
    command += ["-drive", f"file={machine.disk},format=raw,if=virtio,snapshot=on"]
    shared = f"local,path={guest.share},mount_tag={SHARE_TAG},security_model=none,multidevs=remap"
    command += ["-virtfs", shared, "-device", "virtio-rng-pci"]
    return [*command, *machine.options]
