"""The tests of debian/tests, run by autopkgtest in a virtual machine that it starts itself."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tracer_lab.cache import cache_dir, key_of, locked, made_once, remove_tree
from tracer_lab.cells import Cell
from tracer_lab.commands import as_root, in_root, run
from tracer_lab.disk import ensure_initramfs, make_disk
from tracer_lab.errors import LabError
from tracer_lab.machine import ARGUMENTS, processor_for
from tracer_lab.packages import Packages
from tracer_lab.roots import APT, ensure_base, kernel_image, log_of, throw_away_copy

HERE = Path(__file__).parent
START_QEMU = HERE / "start_qemu.sh"
SHELL_UNIT = HERE / "in_system" / "autopkgtest.service"
SHELL_STARTUP = HERE / "in_system" / "autopkgtest_shell.sh"
# Those that autopkgtest finds: that of debian/tests, and the one of every dkms package.
OUR_TEST = "guest-suite"
TESTS = (OUR_TEST, "dkms-autopkgtest")
# What autopkgtest works with inside, and what autopkgtest-pkg-dkms depends on.
TESTBED_PACKAGES = ("apt-utils", "dctrl-tools", "dpkg-dev", "linux-doc")
CONFIGURATION = {
    "etc/fstab": "/dev/vda / ext4 errors=remount-ro 0 0\n",
    "etc/systemd/system/autopkgtest.service": SHELL_UNIT.read_text(encoding="utf-8"),
    "etc/autopkgtest_shell.sh": SHELL_STARTUP.read_text(encoding="utf-8"),
    # Nothing of linux-doc is ever looked at.
    "etc/dpkg/dpkg.cfg.d/no-linux-doc": "path-exclude=/usr/share/doc/linux-doc*\n",
}
RAN = (0, 2, 4, 6, 8)  # with tests that passed, failed or were skipped; else there was no machine
ATTEMPTS = 2
SECONDS_TO_BOOT = 600
MEMORY_MIB = "2048"


@dataclass(frozen=True)
class AutopkgtestRun:
    """How a run of one test went."""

    summary: str  # the name, then PASS, FAIL or SKIP, and why
    folder: Path  # what autopkgtest wrote: logs, artifacts of the test

    @property
    def passed(self) -> bool:
        """Whether the test did, superficial as it may be."""
        return self.summary.split()[1:2] == ["PASS"]


def ensure_testbed(cell: Cell) -> Path:
    """The disk of a machine for autopkgtest: the base of that cell, and a root shell on ttyS1.

    Nothing of tracer is on it. All that the tests depend on is, so that they need no network.
    Takes two minutes the first time, nothing after that. Raises LabError if packages cannot be
    had.
    """
    base = ensure_base(cell)
    settings = [text for setting in CONFIGURATION.items() for text in setting]
    recipe = key_of(base.name, *TESTBED_PACKAGES, *settings)

    def make(target: Path) -> None:
        log = log_of(f"testbed-{cell.name}")
        with throw_away_copy(base, f"testbed-{cell.name}") as copy:
            for name, text in CONFIGURATION.items():
                run(as_root(["tee", str(copy / name)]), stdin=text)
            run(in_root(copy, ["systemctl", "enable", SHELL_UNIT.name]), log=log)
            run(in_root(copy, ["useradd", "--create-home", "user"]), log=log)
            run(in_root(copy, ["apt-get", "update"]), log=log)
            run(in_root(copy, [*APT, "install", *TESTBED_PACKAGES]), log=log)
            run(in_root(copy, ["apt-get", "clean"]), log=log)
            make_disk(copy, target)

    return made_once(cache_dir() / "disks" / f"autopkgtest-{cell.name}-{recipe}.img", make)


def run_autopkgtest(
    test: str, cell: Cell, packages: Packages, options: Sequence[str] = ()
) -> AutopkgtestRun:
    """Run one of TESTS, from the source package, on the .deb files, in a machine of that cell.

    ``options`` are further ones for autopkgtest: ``--env=GUEST_TESTS=zombie``. A machine that
    does not come up or is lost is started once more. Raises LabError if there is none then, or
    no autopkgtest.
    """
    if shutil.which("autopkgtest") is None:
        raise LabError("autopkgtest: no such command", "./bootstrap installs it")
    folder = cache_dir() / "autopkgtest" / test
    with locked(f"autopkgtest-{test}"):
        # One log each, for whoever wonders why a machine was lost.
        for log in [log_of(f"autopkgtest-{test}-{number}") for number in range(1, ATTEMPTS + 1)]:
            remove_tree(folder)
            folder.parent.mkdir(exist_ok=True)
            command = _command(cell, packages, [f"--output-dir={folder}", *options], test)
            if _status(command, log) in RAN:
                return AutopkgtestRun((folder / "summary").read_text(encoding="utf-8"), folder)
    raise LabError(f"autopkgtest got no machine to work in, {ATTEMPTS} times", f"its log: {log}")


def _command(cell: Cell, packages: Packages, options: Sequence[str], test: str) -> list[str]:
    sources = [str(file) for file in packages.files if file.suffix == ".dsc"]
    command = ["env", *_environment(cell), "autopkgtest", *map(str, packages.debs), *sources]
    command += ["--no-built-binaries", "--timeout-factor=5", f"--test-name={test}", *options]
    machine = [f"--qemu-command={START_QEMU}", f"--timeout-reboot={SECONDS_TO_BOOT}", "--cpus=2"]
    return [*command, "--", "qemu", *machine, f"--ram-size={MEMORY_MIB}", str(ensure_testbed(cell))]


def _status(command: Sequence[str], log: Path) -> int:
    with log.open("wb") as sink:
        ended = subprocess.run(
            as_root(command),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            check=False,
        )
    return ended.returncode


def _environment(cell: Cell) -> list[str]:
    """What START_QEMU goes by."""
    _, kernel = kernel_image(ensure_base(cell))
    accel, cpu = processor_for(kernel)
    return [
        f"LAB_ACCEL={accel}",
        f"LAB_CPU={cpu}",
        f"LAB_KERNEL={kernel}",
        f"LAB_INITRAMFS={ensure_initramfs(cell)}",
        f"LAB_ARGUMENTS={ARGUMENTS}",
    ]
