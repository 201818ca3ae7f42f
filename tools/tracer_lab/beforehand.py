"""Work done on this machine before a boot, so that an emulated guest need not do it slowly."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tracer_lab.commands import as_root, in_root, run
from tracer_lab.roots import kernel_release, log_of

# With these in the environment of a build, Debian's headers of kernels have ccache asked first. It
# need not read hundreds of headers for each file: nobody changes them in between.
SAME_HEADERS = "file_stat_matches,file_stat_matches_ctime"
CCACHE = (
    *("env", "DEBIAN_KERNEL_USE_CCACHE=yes", "CCACHE_DIR=/var/cache/ccache"),
    f"CCACHE_SLOPPINESS={SAME_HEADERS}",
)
# No virtual machine has these, and depmod reads the drivers of all of them.
HARDWARE = (
    *("gpu", "hid", "hwmon", "iio", "infiniband", "input", "media", "mtd", "net", "scsi"),
    *("staging", "usb"),
)


def compile_beforehand(root: Path, debs: Sequence[Path]) -> None:
    """Have ccache keep, in a root file system, what dkms will compile for newer packages.

    Emulated, a compiler takes minutes. apt installs ccache. Raises LabError if dkms fails.
    """
    (deb,) = (deb for deb in debs if deb.name.startswith("tracer-dkms_"))
    log = log_of(f"compile-{root.name}")
    with tempfile.TemporaryDirectory(prefix="tracer-lab-") as folder:
        run(["dpkg-deb", "--extract", str(deb), folder])
        (source,) = Path(folder, "usr", "src").iterdir()
        copy = ["cp", "--archive", "--no-preserve=ownership"]
        run(as_root([*copy, str(source), str(root / "usr" / "src")]))
    module = source.name.replace("-", "/", 1)  # tracer/1.0.0, as dkms calls it
    for command in (
        ["apt-get", "update"],
        ["apt-get", "install", "--yes", "--no-install-recommends", "ccache"],
        ["dkms", "add", module],
        [*CCACHE, "dkms", "build", module, "-k", kernel_release(root)],
        ["dkms", "remove", module, "--all"],
        ["rm", "--recursive", f"/usr/src/{source.name}"],
    ):
        run(in_root(root, command), log=log)


def remove_drivers(root: Path) -> None:
    """Remove the drivers of hardware that no virtual machine has from a root file system."""
    release = kernel_release(root)
    drivers = (f"/lib/modules/{release}/kernel/drivers/{kind}" for kind in HARDWARE)
    run(in_root(root, ["rm", "--recursive", "--force", *drivers]))
    run(in_root(root, ["depmod", release]))
