"""Booting a root file system under QEMU and running one command in it.

Results are files in a folder that host and guest share. The console is kept for people to
read and never believed: bytes of it get lost.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tracer_lab.accel import accelerator
from tracer_lab.cache import cache_dir, locked, remove_tree
from tracer_lab.commands import SHARE, as_root
from tracer_lab.errors import LabError
from tracer_lab.foreign import EMULATORS
from tracer_lab.qmp import Monitor
from tracer_lab.roots import architecture_of, in_use, kernel_image, kernel_release, log_of

RUNNER = Path(__file__).with_name("run_in_guest.sh")
# The first is part of QEMU before 8.0, and what starts it for virtme-ng is in FOR_VIRTME; the
# second is what Debian has a package of since then.
FOR_VIRTME = Path(__file__).with_name("for_virtme")
VIRTIOFSD = (Path("/usr/lib/qemu/virtiofsd"), Path("/usr/libexec/virtiofsd"))
ATTEMPTS = 2
PANIC = "Kernel panic - not syncing"
# What a report of the kernel begins with; the panic that it leads to follows it.
REPORT = re.compile(r"\b(BUG|WARNING|UBSAN|Oops|general protection fault)\b")
REPORT_LINES = 60  # that are shown, of about a hundred with KASAN
# One thread for all processors. With one each, QEMU before 8.1 now and then runs code that the
# kernel has patched meanwhile (it translates without holding the page): a guest that arms probes
# meets an old breakpoint in mutex_unlock and panics. QEMU's "accel/tcg: Always lock pages before
# translation" mends it.
EMULATION = "tcg,thread=single"
# An instruction is a nanosecond, and where the guest waits its clock jumps to what it waits for.
INSTRUCTION_COUNT = "shift=0,sleep=off"


class GuestLost(LabError):  # noqa: N818
    """A guest ended, or was ended, without saying how its command went: neither pass nor fail."""


class GuestPanicked(LabError):  # noqa: N818
    """The kernel of a guest panicked. That is a fault to be found, and no boot is tried again."""


@dataclass(frozen=True)
class Guest:
    """What to boot and what to run in it."""

    name: str  # of the log files
    root: Path
    share: Path  # read and written by both sides; the guest has it in SHARE
    command: Sequence[str]
    seconds: int  # limit for the whole life of the guest
    cpus: int = 2
    memory: str = "1G"
    arguments: Sequence[str] = ()  # further ones for the kernel, where virtme-ng starts it
    # Emulated, and an instruction of its one processor takes a nanosecond of its clock.
    counts_instructions: bool = False


# Gives the command that boots a guest, whose QEMU is to call the monitor at that path.
Launcher = Callable[[Guest, Path], list[str]]


@dataclass(frozen=True)
class GuestResult:
    """How the command in a guest went."""

    status: int  # exit status of the command
    output: str  # what it printed
    powered_off: bool  # the guest ended by its own orderly power-off
    console: Path
    kernel: str  # release
    seconds: float


@contextmanager
def fresh_share(name: str) -> Iterator[Path]:
    """An empty folder for the guest of that name to share with the host.

    It belongs to this run alone until the end of the block: another run waits for it.
    """
    share = cache_dir() / "shares" / name
    with locked(f"guest-{name}"):
        remove_tree(share)
        share.mkdir(parents=True)
        yield share


def warn_of_loss(what: str) -> None:
    """Say with a warning that a guest was lost and is booted once more."""
    warnings.warn(what, stacklevel=3)


def boot(
    guest: Guest,
    watch: Callable[[], None] = lambda: None,
    on_loss: Callable[[str], None] = warn_of_loss,
    launch: Launcher | None = None,
) -> GuestResult:
    """Boot a guest, run its command as root, and wait for its end.

    ``launch`` gives the command that boots it, if it is not to be virtme-ng's.

    A guest that is lost is booted once more, from the same folder as it was given; before
    that ``on_loss`` is told of it. ``watch`` is called before each boot, about twice a second
    while the guest lives, and once after.
    Raises GuestLost if it is lost twice, GuestPanicked, or LabError if QEMU does not even start.
    """
    (guest.share / "command").write_text(shlex.join(guest.command) + "\n")
    shutil.copy(RUNNER, guest.share)
    given = set(guest.share.iterdir())
    # One each: QEMU empties the file that it opens.
    consoles = [log_of(f"console-{guest.name}-{number}") for number in range(1, ATTEMPTS + 1)]
    for console in consoles:
        for left in set(guest.share.iterdir()) - given:
            remove_tree(left)
        watch()
        with in_use(guest.root):
            result = _attempt(guest, launch or vng_command, console, watch)
        if result is not None:
            return result
        on_loss(f"guest {guest.name} was lost: {console}")
    raise GuestLost(
        f"guest {guest.name} was lost {ATTEMPTS} times, with no word on its command",
        f"limit {guest.seconds} s; consoles: {', '.join(map(str, consoles))}",
    )


def _attempt(
    guest: Guest, launch: Launcher, console: Path, watch: Callable[[], None]
) -> GuestResult | None:
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="tracer-lab-") as folder,
        Monitor(Path(folder) / "qmp") as monitor,
        console.open("wb") as sink,
    ):
        qemu = subprocess.Popen(
            as_root(launch(guest, monitor.path)),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
        try:
            if not monitor.connect(is_alive=lambda: qemu.poll() is None):
                said = console.read_text(errors="replace").strip()
                raise LabError(f"guest {guest.name} did not start: {said}")
            _watch_over(monitor, guest.seconds, watch)
        finally:
            qemu.wait()
    status_file = guest.share / "status"
    if not status_file.exists():
        said = console.read_text(errors="replace")
        if PANIC in said:
            hint = "\n  ".join([f"console: {console}", *report_before_panic(said)])
            raise GuestPanicked(f"the kernel of guest {guest.name} panicked", hint)
        return None
    return GuestResult(
        status=int(status_file.read_text()),
        output=(guest.share / "output").read_text(errors="replace"),
        powered_off=monitor.powered_off,
        console=console,
        kernel=kernel_release(guest.root),
        seconds=time.monotonic() - started,
    )


def report_before_panic(console: str) -> list[str]:
    """The last report on the console of a kernel that panicked, with its word on the panic."""
    lines = console.splitlines()
    end = next(number for number, line in enumerate(lines) if PANIC in line)
    start = max((number for number in range(end) if REPORT.search(lines[number])), default=end)
    return lines[start : end + 1][:REPORT_LINES]


def _watch_over(monitor: Monitor, seconds: int, watch: Callable[[], None]) -> None:
    deadline = time.monotonic() + seconds
    try:
        while monitor.listen():
            watch()
            if time.monotonic() > deadline:
                monitor.quit()
                deadline = float("inf")
        watch()
    except BaseException:
        monitor.quit()
        raise


def limited(guest: Guest) -> list[str]:
    """What to put before the command of a guest, lest it outlive its time.

    QMP ends a guest in time; this is for a QEMU that does not even listen.
    """
    return ["timeout", "--kill-after=10", str(guest.seconds + 30)]


def vng_command(guest: Guest, monitor: Path) -> list[str]:
    """The command that boots a guest with virtme-ng, under a time limit that nothing outlives."""
    release, kernel = kernel_image(guest.root)
    beside = Path(sys.executable).parent  # the virtual environment's commands
    command = ["env", f"PATH={beside}:{os.environ['PATH']}:{FOR_VIRTME}"]
    command += [*limited(guest), "vng", "--verbose"]
    command += ["--run", str(kernel), "--root", str(guest.root)]
    command += ["--user", "root", *_shared_by(guest.root, release)]
    command += ["--cpus", str(guest.cpus), "--memory", guest.memory]
    command += [f"--append={argument}" for argument in guest.arguments]
    command += [f"--rwdir={SHARE}={guest.share}", f"--qemu-opts=-qmp unix:{monitor}"]
    architecture = architecture_of(guest.root)
    foreign = architecture in EMULATORS
    if foreign:
        command += ["--arch", architecture, "--busybox", str(guest.root / "bin" / "busybox")]
    if foreign or guest.counts_instructions or accelerator(kernel) == "tcg":
        command += ["--disable-kvm", f"--qemu-opts=-accel {EMULATION}"]
    if guest.counts_instructions:
        command += [f"--qemu-opts=-icount {INSTRUCTION_COUNT}"]
    return [*command, "--", "sh", f"{SHARE}/{RUNNER.name}", SHARE]


def _shared_by(root: Path, release: str) -> list[str]:
    """How the guest gets its files: virtme-ng takes virtio-fs unless it is told 9p.

    9p needs no daemon on the host; but Debian's cloud kernels leave it out.
    """
    config = root / "boot" / f"config-{release}"
    if not config.exists() or "\nCONFIG_9P_FS=" in config.read_text():
        return ["--force-9p"]
    if not any(daemon.exists() for daemon in VIRTIOFSD):
        raise LabError(
            f"Linux {release} has no 9p, and there is no virtiofsd here", "./bootstrap installs it"
        )
    return []
