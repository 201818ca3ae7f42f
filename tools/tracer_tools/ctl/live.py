"""The live table on a terminal, and its batch mode."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tracer_tools.cli import terminal
from tracer_tools.ctl.signals import handled, nothing, wait_for
from tracer_tools.ctl.top import ASCII_BARS, BARS, Request, View, batch, look, press, screen
from tracer_tools.device import Tracer
from tracer_tools.errors import TracerError
from tracer_tools.module import VALUES, read_number
from tracer_tools.processes import command_name
from tracer_tools.system import THIS_MACHINE, System
from tracer_tools.table import COLUMNS, snapshot

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

STDIN = 0
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Top:
    """The view of the table and when it was last looked at; `delay` is in seconds."""

    view: View
    delay: float
    iterations: int | None
    exits_when_empty: bool
    system: System = THIS_MACHINE
    over: bool = False
    suspended: bool = False
    looks: int = 0
    _looked: float = 0.0
    _missed: int = 0
    _unfollowed: int = 0

    def look(self) -> None:
        """Look at the table. Raises DeviceError, FormatError."""
        missed = read_number(f"{VALUES}/missed_samples", self.system)
        unfollowed = read_number(f"{VALUES}/unfollowed", self.system)
        if self.looks == 0:
            self._missed, self._unfollowed = missed, unfollowed
        rows = snapshot(self.system)
        now = time.monotonic()
        commands = {row.pid: command_name(row.pid, self.system) for row in rows}
        seen = look(self.view.seen, rows, commands, now - self._looked)
        self.view = replace(
            self.view,
            seen=tuple(seen),
            missed=max(missed - self._missed, 0),
            unfollowed=max(unfollowed - self._unfollowed, 0),
        )
        self._looked = now
        self.looks += 1
        # The first look has no rates to show.
        done = self.iterations is not None and self.looks > self.iterations
        self.over = self.over or done or (self.exits_when_empty and not rows)

    def remaining(self) -> float | None:
        """Return how many seconds there are to the next look; None if there is to be none."""
        return None if self.view.paused else self._looked + self.delay - time.monotonic()

    def stop(self) -> None:
        """Come to an end."""
        self.over = True

    def suspend(self) -> None:
        """Let the terminal go and stop, before anything else is done."""
        self.suspended = True

    def press(self, key: str) -> None:
        """Do what a key says."""
        self.view, request = press(self.view, key)
        if request is not None and request.what == "quit":
            self.stop()
        elif request is not None:
            self._make(request)

    def _make(self, request: Request) -> None:
        """Add or remove a process; what is refused is said on the screen."""
        try:
            with Tracer(self.system) as tracer:
                (tracer.add if request.what == "add" else tracer.remove)(request.pid)
        except TracerError as error:
            self.view = replace(self.view, message=str(error))


def run_batch(top: Top) -> None:
    """Print the table again and again."""
    with handled(dict.fromkeys(ENDS, top.stop)) as wake:
        top.look()
        while not top.over:
            wait_for({}, wake, top.remaining())
            remaining = top.remaining()
            if remaining is not None and remaining > 0:
                continue
            top.look()
            text = "\n".join([*batch(top.view), "", ""])
            sys.stdout.write(text)
            sys.stdout.flush()


def run_live(top: Top) -> None:
    """Show the table on the terminal until it is over. Raises TracerError."""
    console = terminal()
    if console is None or not os.isatty(STDIN):
        raise TracerError("top needs a terminal", "give --batch")
    from rich.live import Live  # noqa: PLC0415 -- batch mode need not wait for it

    bars = BARS if "utf" in console.encoding.lower() else ASCII_BARS
    handlers = {
        **dict.fromkeys(ENDS, top.stop),
        signal.SIGTSTP: top.suspend,
        **dict.fromkeys((signal.SIGWINCH, signal.SIGCONT), nothing),
    }
    top.look()
    while not top.over:
        with handled(handlers) as wake, keys_at_once():
            live = Live(console=console, screen=True, auto_refresh=False)
            with live:
                show_until_suspended(top, live, console, wake, bars)
        if top.suspended:
            top.suspended = False
            os.kill(os.getpid(), signal.SIGSTOP)


def show_until_suspended(top: Top, live: Live, console: Console, wake: int, bars: str) -> None:
    """Show the table and obey keys until it is over or to be suspended."""
    while not top.over and not top.suspended:
        lines = screen(top.view, console.width, console.height, bars=bars)
        live.update(styled(lines, COLUMNS.index(top.view.column)), refresh=True)
        wait_for({STDIN: select.POLLIN}, wake, top.remaining())
        for key in waiting_keys(top):
            top.press(key)
        remaining = top.remaining()
        if remaining is not None and remaining <= 0:
            top.look()


def styled(lines: Sequence[str], chosen: int) -> Text:
    """Return the screen with bold headings, of which that of the chosen column stands out."""
    from rich.text import Text  # noqa: PLC0415 -- batch mode need not wait for it

    texts = [Text(line) for line in lines]
    for text in texts[1:3]:
        text.stylize("bold")
    below = list(re.finditer(r"\S+", lines[2])) if len(lines) > 2 else []
    if chosen < len(below):  # else the screen is too small for it
        end = below[chosen].end()
        for text in texts[1:3]:
            part = text.plain.ljust(end)[:end].rpartition(" ")[2]
            text.stylize("reverse", end - len(part), end)
    return Text("\n", no_wrap=True, overflow="crop").join(texts)


def waiting_keys(top: Top) -> str:
    """Return the keys pressed since; cursor keys and the like are none."""
    if not select.select([STDIN], [], [], 0)[0]:
        return ""
    data = os.read(STDIN, 1024)
    if not data:  # the terminal has gone
        top.stop()
    text = data.decode("ascii", errors="replace")
    return "" if text.startswith("\x1b") and len(text) > 1 else text


@contextmanager
def keys_at_once() -> Iterator[None]:
    """Have the terminal give each key when it is pressed, and show none."""
    before = termios.tcgetattr(STDIN)
    tty.setcbreak(STDIN)
    try:
        yield
    finally:
        termios.tcsetattr(STDIN, termios.TCSADRAIN, before)
