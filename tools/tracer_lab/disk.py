"""Disks for whole systems: images of root file systems, and what starts a kernel on one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tracer_lab.cache import cache_dir, made_once
from tracer_lab.cells import Cell
from tracer_lab.commands import SHARE, as_root, in_root, run
from tracer_lab.roots import ensure_base, kernel_release, log_of, throw_away_copy

UNIT = Path(__file__).with_name("in_system") / "host-command.service"
SHARE_TAG = "share"
# udev brings the transport in its own time; the mount is not to come before it.
FSTAB = f"""\
/dev/vda / ext4 errors=remount-ro 0 0
{SHARE_TAG} {SHARE} 9p trans=virtio,version=9p2000.L,msize=131072,\
x-systemd.requires=modprobe@9pnet_virtio.service 0 0
"""


def make_disk(root: Path, image: Path, size: str = "4G") -> None:
    """Write a root file system into ``image``, a sparse file with one ext4 of that size.

    Raises LabError if it does not fit.
    """
    image.unlink(missing_ok=True)
    make = ["mke2fs", "-q", "-t", "ext4", "-d", str(root), str(image), size]
    run(as_root(["env", "PATH=/usr/sbin:/sbin:/usr/bin:/bin", *make]))


@contextmanager
def system_disk(
    root: Path,
    name: str,
    size: str = "4G",
    change: Callable[[Path], None] = lambda _: None,
) -> Iterator[Path]:
    """A disk with a copy of ``root`` that runs the command of a share when it has booted.

    ``name`` is that of the copy, ``change`` is called with it. The disk is gone at the end of
    the block.
    """
    with tempfile.TemporaryDirectory(prefix="disk-", dir=cache_dir()) as folder:
        image = Path(folder) / f"{name}.img"
        with throw_away_copy(root, name) as copy:
            change(copy)
            prepare(copy)
            make_disk(copy, image, size)
        yield image


def prepare(root: Path) -> None:
    """Have a root file system, once booted with systemd, run the command of a share."""
    run(as_root(["tee", str(root / "etc" / "fstab")]), stdin=FSTAB)
    unit = root / "etc" / "systemd" / "system" / UNIT.name
    run(as_root(["install", "-m", "644", str(UNIT), str(unit)]))
    run(in_root(root, ["systemctl", "enable", UNIT.name]))


def ensure_initramfs(cell: Cell) -> Path:
    """An initramfs for the kernel of that cell, made by the suite's own update-initramfs.

    It serves whatever is installed on top of the cell's base. Takes half a minute the first
    time, nothing after that.
    """
    base = ensure_base(cell)

    def make(target: Path) -> None:
        release = kernel_release(base)
        with throw_away_copy(base, f"initramfs-{cell.name}") as copy:
            command = ["update-initramfs", "-c", "-k", release]
            run(in_root(copy, command), log=log_of(f"initramfs-{cell.name}"))
            made = copy / "boot" / f"initrd.img-{release}"
            run(as_root(["install", "-m", "644", str(made), str(target)]))

    return made_once(cache_dir() / "initramfs" / f"{base.name}.img", make)
