"""A page as a browser shows it: whether anything is empty or covers another, and pictures of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from itertools import combinations
from pathlib import Path
from typing import Any

from tracer_lab.commands import run
from tracer_lab.errors import LabError

PROGRAM = "chromium"
WIDTHS = (1280, 700)  # pixels: charts with their tables beside them, and below them
OVERLAP = 2.0  # pixels that two texts may share: letters do not fill the height of their lines
LEAST_DRAWN = 0.01  # of a chart, that has a colour: the axes and the texts have none
COLOURED = 40  # by how much red, green and blue of a colour differ
POLICY = re.compile(r"<meta http-equiv=[^>]*>")
# Says where each piece of text, each chart and each section is shown.
SCRIPT = """
const box = (name, area) => ({name, left: area.left, top: area.top, right: area.right,
  bottom: area.bottom});
const texts = [];
const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode;
  if (!node.textContent.trim() || node.parentElement.closest("style, title, desc")) continue;
  const range = document.createRange();
  range.selectNodeContents(node);
  for (const area of range.getClientRects()) texts.push(box(node.textContent.trim(), area));
}
const boxes = (all, name) => [...document.querySelectorAll(all)].map(
  (each) => box(each.getAttribute(name), each.getBoundingClientRect()));
const shown = {texts, charts: boxes("svg", "aria-label"), sections: boxes("section", "class"),
  width: document.documentElement.scrollWidth, height: document.documentElement.scrollHeight};
document.body.innerHTML = "<pre id=shown></pre>";
document.getElementById("shown").textContent = JSON.stringify(shown);
"""


@dataclass(frozen=True)
class Box:
    """Where something is shown, in pixels."""

    name: str
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Whether both share more than an edge."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return wide > OVERLAP and high > OVERLAP


@dataclass(frozen=True)
class Shown:
    """A page as it is shown."""

    texts: list[Box]
    charts: list[Box]
    sections: list[Box]
    width: int
    height: int

    def complaints(self, width: int) -> list[str]:
        """What is wrong with it in a window of that width."""
        found = [
            f"{one.name!r} covers {other.name!r}"
            for one, other in (*combinations(self.texts, 2), *combinations(self.charts, 2))
            if one.overlaps(other)
        ]
        if self.width > width:
            found.append(f"the page is {self.width} pixels wide")
        return found


def check_program() -> None:
    """Raise LabError unless there is a browser, and what reads its pictures."""
    if shutil.which(PROGRAM) is None:
        raise LabError(f"{PROGRAM} is not installed", f"sudo apt install {PROGRAM}")


def browse(address: str, *arguments: str) -> str:
    """Have the browser show an address, and return what it prints. Raises LabError."""
    own = ["--headless=new", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1"]
    if os.geteuid() == 0:
        own.append("--no-sandbox")  # it refuses to run as root with it
    with tempfile.TemporaryDirectory(prefix="tracer-lab-") as profile:
        return run(
            ["timeout", "120", PROGRAM, *own, f"--user-data-dir={profile}", *arguments, address]
        )


def shown_at(page: Path, width: int) -> Shown:
    """How a page is shown in a window of that width. Raises LabError."""
    text = POLICY.sub("", page.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="tracer-lab-") as folder:
        copy = Path(folder) / "page.html"
        copy.write_text(text.replace("</body>", f"<script>{SCRIPT}</script></body>"), "utf-8")
        printed = browse(copy.as_uri(), f"--window-size={width},1000", "--dump-dom")
    found = re.search(r'<pre id="shown">(.*)</pre>', printed, re.DOTALL)
    if not found:
        raise LabError(f"{PROGRAM} did not show {page}")
    facts: dict[str, Any] = json.loads(unescape(found[1]))
    return Shown(
        texts=boxes(facts["texts"]),
        charts=boxes(facts["charts"]),
        sections=boxes(facts["sections"]),
        width=facts["width"],
        height=facts["height"],
    )


def boxes(found: Sequence[dict[str, Any]]) -> list[Box]:
    """The boxes that the script has found, but those that take no room."""
    return [box for box in (Box(**each) for each in found) if box.right > box.left]


def check_shown(page: Path) -> None:
    """Raise LabError if something on a page is empty, or covers something else."""
    for width in WIDTHS:
        shown = shown_at(page, width)
        found = shown.complaints(width)
        if not shown.charts:
            found.append("there is no chart")
        found += [f"{name!r} is empty" for name in empty_charts(page, shown, width)]
        if found:
            lines = "\n  ".join(found[:20])
            raise LabError(f"{page} is not as it should be, {width} pixels wide:", lines)


def screenshot(page: Path, width: int, height: int) -> Any:  # noqa: ANN401 -- an image of Pillow
    """A picture of a page. Raises LabError."""
    from PIL import Image  # noqa: PLC0415 -- only those who take pictures need it

    with tempfile.TemporaryDirectory(prefix="tracer-lab-") as folder:
        file = Path(folder) / "page.png"
        browse(page.as_uri(), f"--window-size={width},{height}", f"--screenshot={file}")
        with Image.open(file) as image:
            return image.convert("RGB")


def empty_charts(page: Path, shown: Shown, width: int) -> list[str]:
    """The charts in which nothing is drawn but axes."""
    image = screenshot(page, width, shown.height)
    return [
        chart.name
        for chart in shown.charts
        if drawn(image.crop((chart.left, chart.top, chart.right, chart.bottom))) < LEAST_DRAWN
    ]


def drawn(image: Any) -> float:  # noqa: ANN401 -- of Pillow
    """Which share of an image has a colour."""
    counted = image.getcolors(image.width * image.height)
    coloured = sum(number for number, rgb in counted if max(rgb) - min(rgb) > COLOURED)
    return float(coloured / (image.width * image.height))


def picture(page: Path, last: str, file: Path) -> Path:
    """Keep a picture of a page up to the end of a section; return its file."""
    width = WIDTHS[0]
    shown = shown_at(page, width)
    end = next(section.bottom for section in shown.sections if section.name == last)
    image = screenshot(page, width, shown.height).crop((0, 0, width, int(end) + 16))
    image.save(file, optimize=True)  # in all its colours: fewer, and processes share one
    return file
