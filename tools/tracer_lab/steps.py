"""The progress display: names each long step while it runs, and what it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

SECONDS_WORTH_A_LINE = 1.0


@contextmanager
def step(console: Console, name: str) -> Iterator[None]:
    """Show that step ``name`` is under way until the block ends, then how that was.

    On a terminal it is shown as a line with a spinner and the time so far.
    """
    started = time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    display = Progress(*columns, console=console, transient=True)
    display.add_task(name)
    if not console.is_terminal:
        console.print(f"   ... {name}", highlight=False)
    try:
        with display if console.is_terminal else nullcontext():
            yield
    except BaseException:
        console.print(f"[red]failed[/red] {name}", highlight=False)
        raise
    took = time.monotonic() - started
    shown = f"{took:4.0f} s" if took >= SECONDS_WORTH_A_LINE else " ready"
    console.print(f"[green]{shown}[/green] {name}", highlight=False)
