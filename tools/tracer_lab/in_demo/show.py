"""The part of the demo that runs in the guest: real programs, counted by the installed module."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

TABLE = Path("/proc/tracer")
HERE = Path(__file__).resolve().parent
LOOKS = 3
SECONDS_BETWEEN = 4
ROUNDS = 200  # how often a program goes through its folder: more than the demo lasts


@dataclass(frozen=True)
class Program:
    """A program to count, and for people what it is an example of."""

    does: str
    command: tuple[str, ...]
    output_to_next: bool = False  # through a pipe


PROGRAMS = (
    Program("walks a file tree", ("find", *["/usr"] * ROUNDS, "-size", "+1G")),
    Program("packs an archive", ("tar", "-c", *["/usr/share"] * ROUNDS), output_to_next=True),
    Program("takes the archive from a pipe", ("gzip", "-c")),
    Program("writes into a pipe", ("dd", "if=/dev/zero", "bs=64k"), output_to_next=True),
    Program("reads from that pipe", ("cat",)),
    Program("reads files in 16 threads", (sys.executable, str(HERE / "threads.py"))),
)


def start_all(cleanup: ExitStack) -> list[subprocess.Popen[bytes]]:
    """Start the programs, held until they are let go, and to be ended when the demo is."""
    running: list[subprocess.Popen[bytes]] = []
    source = None
    for program in PROGRAMS:
        process = subprocess.Popen(
            program.command,
            stdin=source or subprocess.DEVNULL,
            stdout=subprocess.PIPE if program.output_to_next else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        process.send_signal(signal.SIGSTOP)
        cleanup.callback(end, process)
        if source is not None:
            source.close()  # the program at its other end has it
        source = process.stdout
        running.append(process)
    return running


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program and wait for it."""
    process.kill()
    process.wait()


def send(running: list[subprocess.Popen[bytes]], what: signal.Signals) -> None:
    """Send all programs a signal."""
    for process in running:
        process.send_signal(what)


def show(*lines: str) -> None:
    """Print at once: the host reads along."""
    print(*lines, sep="\n", flush=True)  # noqa: T201  # the output of this program


def call(*command: str) -> int:
    """Run a command in the sight of the reader; its exit status."""
    show(f"\n$ {' '.join(command)}")
    return subprocess.run(command, check=False).returncode


def main() -> int:
    """Count the programs for a while; 0 if every command succeeded."""
    with ExitStack() as cleanup:
        running = start_all(cleanup)
        show("These programs are started in the guest, and held until they are monitored:")
        for process, program in zip(running, PROGRAMS):
            show(f"  {process.pid:>5}  {program.command[0].rsplit('/', 1)[-1]:<8} {program.does}")
        added = call("tracerctl", "add", *(str(process.pid) for process in running))
        send(running, signal.SIGCONT)
        for look in range(1, LOOKS + 1):
            time.sleep(SECONDS_BETWEEN)  # for the eye: the numbers are to grow
            show(f"\n$ cat {TABLE}    # {look} of {LOOKS}", TABLE.read_text().rstrip())
        send(running, signal.SIGSTOP)
        show("\nThe programs are held again: tracer-check gets the machine for itself.")
        checked = call("tracer-check")
    show("\nThe programs are ended, and with them their rows:")
    emptied = call("cat", str(TABLE))
    return added or checked or emptied


if __name__ == "__main__":
    sys.exit(main())
