"""A chart of what tracer, its floors and its peers add to a call, as SVG.

It is the same text for the same figures, without scripts, and has the colours of the reader's
theme. A library would bring more than the bars.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element, SubElement

from tracer_lab.bench.figures import Run
from tracer_lab.bench.tables import number, told
from tracer_lab.bench.vocabulary import KMEM_ALONE, MUTEX, OTHER, STATES, THIS, Whose

# Pixels, where the chart is shown as large as it is made.
WIDTH = 760
LABELS = 210  # where bars begin
LONGEST = 470  # of bars
ROW, BAR = 20, 14
TOP = 52  # where the first group begins
BELOW = 14

HEADS = {
    Whose.OURS: "tracer, by engine",
    Whose.FLOOR: "floors: probes that do nothing",
    Whose.PEER: "peers",
}
EXPLAINED = (
    "While one process is counted: what every other one pays (another), and what it pays (this)."
)
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.head { font-weight: 600 }
.paper { fill: #ffffff }
.ours { fill: #1a7f4b } .floor { fill: #7d8590 } .peer { fill: #b35900 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.paper { fill: #0d1117 }
.ours { fill: #3fb977 } .floor { fill: #8b949e } .peer { fill: #e0883a }
}
"""


@dataclass(frozen=True)
class Bar:
    """One bar of the chart."""

    whose: Whose
    label: str
    value: float  # instructions that are added to a call


def bars(run: Run) -> list[Bar]:
    """The bars of a run: for one process monitored, and of the floors, which do not ask whose.

    What counts kmalloc alone has none: it adds nothing to the function of the chart.
    """
    made = []
    for name, state in STATES.items():
        value = told(run, MUTEX, name)
        if value is None or state.tool in KMEM_ALONE:
            continue
        if state.whose in HEADS and state.counted in ("", OTHER, THIS):
            label = f"{state.tool}: {state.counted}" if state.counted else state.tool
            made.append(Bar(state.whose, label, value))
    return made


def chart(run: Run) -> str:
    """The text of the SVG file."""
    shown = bars(run)
    groups = [(whose, list(group)) for whose, group in groupby(shown, key=lambda bar: bar.whose)]
    height = TOP + ROW * (len(shown) + len(groups)) + BELOW
    title = f"Instructions added to a call, Linux {run.kernel}"
    svg = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {height}",
            "width": str(WIDTH),
            "height": str(height),
            "role": "img",
        },
    )
    SubElement(svg, "title").text = title
    SubElement(svg, "style").text = STYLE
    SubElement(svg, "rect", {"class": "paper", "width": "100%", "height": "100%"})
    _text(svg, (16, 24), title, "title")
    _text(svg, (16, 42), EXPLAINED)
    _groups(svg, groups)
    ET.indent(svg, "")
    return ET.tostring(svg, encoding="unicode") + "\n"


def _groups(svg: Element, groups: Sequence[tuple[Whose, Sequence[Bar]]]) -> None:
    """Each group under its head, with all bars to one scale."""
    largest = max((bar.value for _, group in groups for bar in group), default=0.0)
    places = _places()
    for whose, group in groups:
        _text(svg, (16, next(places) + BAR), HEADS[whose], "head")
        for bar in group:
            top = next(places)
            length = max(LONGEST * bar.value / largest, 0.0) if largest > 0 else 0.0
            _text(svg, (LABELS - 8, top + BAR - 2), bar.label, "label")
            place = {"x": str(LABELS), "y": str(top), "height": str(BAR)}
            shape = {"width": f"{length:.1f}", "class": whose.name.lower()}
            SubElement(svg, "rect", {**place, **shape})
            _text(svg, (round(LABELS + length + 6), top + BAR - 2), number(bar.value))


def _places() -> Iterator[int]:
    top = TOP
    while True:
        yield top
        top += ROW


def _text(svg: Element, place: tuple[int, int], words: str, kind: str = "") -> None:
    attributes = {"x": str(place[0]), "y": str(place[1])}
    if kind == "label":
        attributes["text-anchor"] = "end"
    elif kind:
        attributes["class"] = kind
    SubElement(svg, "text", attributes).text = words
