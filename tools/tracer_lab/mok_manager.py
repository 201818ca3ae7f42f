"""MokManager, which asks at a boot whether a key is to be enrolled: a user's answers to it."""

from __future__ import annotations

import pexpect

from tracer_lab.commands import as_root
from tracer_lab.errors import LabError
from tracer_lab.firmware import Firmware
from tracer_lab.roots import log_of
from tracer_lab.vm import EMULATION

DOWN, ENTER = "\x1b[B", "\r"
SECONDS = 60  # for each answer


def enrol(name: str, firmware: Firmware, password: str) -> None:
    """Boot as far as MokManager and have it enrol the key that ``mokutil --import`` left.

    ``password`` is the one given to mokutil. ``name`` is that of the log file.
    Raises LabError, with what is on the screen, if MokManager does not ask as it should.
    """
    # Each entry comes after the one that the cursor is on, but the last, which it is on.
    dialogue = (
        ("Press any key to perform MOK management", " "),
        ("Enroll MOK", DOWN + ENTER),
        ("Continue", DOWN + ENTER),
        ("Yes", DOWN + ENTER),
        ("Password", password + ENTER),
        ("Reboot", ENTER),
        (pexpect.EOF, ""),
    )
    # What boots next is another matter: QEMU ends instead of starting again.
    command = ["qemu-system-x86_64", "-nodefaults", "-no-reboot", "-display", "none"]
    command += ["-accel", EMULATION, "-cpu", "max", "-machine", "q35", "-m", "512M"]
    program, *arguments = as_root([*command, "-serial", "stdio", *firmware.options])
    log = log_of(f"mok-manager-{name}")
    with log.open("wb") as sink, pexpect.spawn(program, arguments, timeout=SECONDS) as qemu:
        qemu.logfile_read = sink
        for prompt, answer in dialogue:
            try:
                qemu.expect(prompt)
            except (pexpect.TIMEOUT, pexpect.EOF) as error:
                raise LabError(f"MokManager did not say {prompt!r}", f"console: {log}") from error
            qemu.send(answer)
