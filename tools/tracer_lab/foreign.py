"""Programs of another architecture than this machine's: what is needed to run them."""

from __future__ import annotations

import shutil
import subprocess

from tracer_lab.errors import LabError

EMULATORS = {"arm64": "qemu-system-aarch64"}  # whole machines; amd64 needs no other
PACKAGES = "arch-test binfmt-support qemu-system-arm qemu-user-static"
# A system with systemd has done that when the packages are installed.
MOUNT = "mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc; update-binfmts --enable"


def ensure_runs(architecture: str) -> None:
    """Raise LabError, with what to do, unless a root of that architecture can be made and booted.

    Nothing is changed here: which programs a kernel runs is a setting of the whole machine.
    """
    if architecture not in EMULATORS:
        return
    commands = (EMULATORS[architecture], "arch-test")
    absent = [command for command in commands if shutil.which(command) is None]
    if absent:
        raise LabError(
            f"{', '.join(absent)} not found: {architecture} cannot be emulated here",
            f"sudo apt install {PACKAGES}",
        )
    test = subprocess.run(["arch-test", architecture], capture_output=True, check=False)
    if test.returncode != 0:
        raise LabError(
            f"this machine does not run programs of {architecture}",
            f"sudo apt install {PACKAGES}; if that is done: sudo sh -c '{MOUNT}'",
        )
