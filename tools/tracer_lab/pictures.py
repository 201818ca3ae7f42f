"""The pictures of README: terminals and a page, of a real run in a guest."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tracer_lab.browser import check_program, check_shown, picture
from tracer_lab.cells import cell_named
from tracer_lab.commands import SHARE
from tracer_lab.demo import IN_GUEST
from tracer_lab.errors import LabError
from tracer_lab.roots import ensure_base, ensure_installed
from tracer_lab.steps import step
from tracer_lab.vm import Guest, boot, fresh_share
from tracer_tools.errors import TracerError
from tracer_tools.recording.page import page
from tracer_tools.recording.perfetto import trace
from tracer_tools.recording.reading import read

SECONDS = 900  # emulated, on a busy machine
WIDTH = 100  # of the terminals of in_demo/pictures.py
TITLES = {
    "run": "tracerctl run -- sh -c 'for i in 1 2 3; do /bin/true; done; exit 7'",
    "top": "tracerctl top",
}
RECORDING = "recording.ndjson"
LAST_SHOWN = "kmalloc"  # the section that the picture of the page ends with
# What a terminal obeys and does not show, but for colours.
CONTROL = re.compile(r"\x1b(?:\[[0-9;?]*[A-Zac-ln-z]|[=>]|\][^\x07]*\x07)")
HOME, LEAVE = "\x1b[H", "\x1b[?1049l"


def take_pictures(
    console: Console, cell_name: str, build: Callable[[], Sequence[Path]], made: Path, kept: Path
) -> list[Path]:
    """Record and watch programs in a guest; return the pictures of that, in the folder ``kept``.

    The recording, the whole page and a trace come into the folder ``made``. Raises LabError if any
    step fails, or if the page is not shown as it should be.
    """
    check_program()
    cell = cell_named(cell_name)
    with step(console, "building the packages"):
        debs = build()
    with step(console, f"the packages in a root file system of Debian {cell.name}"):
        ensure_base(cell)
        root = ensure_installed(cell, debs)
    with step(console, "programs counted in a guest"):
        run_in_guest(root, made)
    with step(console, "the page, looked at in a browser"):
        write_shown(made)
        check_shown(made / "report.html")
    kept.mkdir(exist_ok=True)
    terminals = [draw_terminal(made, name, kept) for name in TITLES]
    return [*terminals, picture(made / "report.html", LAST_SHOWN, kept / "report.png")]


def run_in_guest(root: Path, made: Path) -> None:
    """Run the part in the guest, and take what it has written."""
    made.mkdir(parents=True, exist_ok=True)
    with fresh_share("pictures") as share:
        shutil.copytree(IN_GUEST, share / IN_GUEST.name)
        command = ["python3", f"{SHARE}/{IN_GUEST.name}/pictures.py", SHARE]
        result = boot(Guest("pictures", root, share, command, SECONDS))
        if result.status != 0:
            raise LabError(f"the guest failed:\n{result.output}", f"console: {result.console}")
        for name in (RECORDING, *(f"{name}.terminal" for name in TITLES)):
            shutil.copy(share / name, made)


def write_shown(made: Path) -> None:
    """Write the page and the trace of the recording. Raises LabError."""
    try:
        recording = read(str(made / RECORDING))
        (made / "report.html").write_text(page(recording), encoding="utf-8")
        (made / "trace.json").write_text(trace(recording), encoding="utf-8")
    except TracerError as error:
        raise LabError(error.message, error.hint) from error


def draw_terminal(made: Path, name: str, kept: Path) -> Path:
    """Draw what a terminal showed at last as SVG; return the file."""
    written = (made / f"{name}.terminal").read_text(encoding="utf-8")
    console = Console(record=True, width=WIDTH, file=(made / "drawn").open("w"), color_system=None)
    console.print(Text("\n").join(last_screen(written)), no_wrap=True, crop=True)
    drawn = console.export_svg(title=TITLES[name], unique_id=name)
    # Fonts would come from elsewhere; any that is as wide in each letter does.
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    file = kept / f"{name}.svg"
    file.write_text(re.sub(r"[ \t]+$", "", drawn, flags=re.MULTILINE), encoding="utf-8")
    return file


def last_screen(written: str) -> list[Text]:
    """Return the lines that a terminal showed at last, with their colours."""
    shown = written.rpartition(LEAVE)[0].rpartition(HOME)[2] if LEAVE in written else written
    plain = CONTROL.sub("", shown).replace("\r\n", "\n").strip("\n")
    return [Text.from_ansi(line) for line in plain.split("\n")]
