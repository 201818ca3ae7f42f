"""A chart over time, drawn by pygal, as a piece of SVG that needs nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

from tracer_tools.columns import UNITS
from tracer_tools.errors import TracerError
from tracer_tools.recording.series import Band, Span

SVG = "http://www.w3.org/2000/svg"
# Told apart also by those who see some colours as one (Okabe and Ito, and one more); the last is
# for several processes.
COLOURS = (
    *("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#332288"),
    *("#882255", "#9a9a9a"),
)
WIDTH, HEIGHT = 760, 330
INK, PAPER, LINES = "#1f2328", "#ffffff", "#d0d7de"


def pygal() -> Any:  # noqa: ANN401 -- it has no types
    """Return the library that draws. Raises TracerError if it is not installed."""
    try:
        import pygal as library  # type: ignore[import-untyped] # noqa: PLC0415 -- few need it
    except ImportError as error:
        message = "the charts of a report are drawn by pygal, which is not installed"
        raise TracerError(message, "run 'sudo apt install python3-pygal'") from error
    return library


def chart(title: str, shown: Sequence[Band], colours: Sequence[int], parts: Sequence[Span]) -> str:
    """Return a chart: the rates of all bands, each upon those before it; `colours` as in COLOURS.

    Raises TracerError if pygal is not installed.
    """
    heights = [0.0] * len(parts)
    outlines = []
    for band in shown:
        heights = [height + rate for height, rate in zip(heights, band.rates)]
        outlines.append((band.name, outline(heights, parts)))
    # What is drawn later covers what is below it; so the legend is from top to bottom, too.
    drawn = empty_chart([COLOURS[colour] for colour in reversed(colours)])
    drawn.uuid = title.partition(":")[0]  # else it is a random one
    for name, points in reversed(outlines):
        drawn.add(name, points)
    return standing_alone(drawn.render(), title)


def empty_chart(colours: Sequence[str]) -> Any:  # noqa: ANN401 -- pygal has no types
    """Return a chart with axes."""
    library = pygal()
    style = library.style.Style(
        background=PAPER,
        plot_background=PAPER,
        foreground=INK,
        foreground_strong=INK,
        foreground_subtle=LINES,
        guide_stroke_color=LINES,
        major_guide_stroke_color=LINES,
        font_family="system-ui, sans-serif",
        label_font_size=12,
        major_label_font_size=12,
        legend_font_size=13,
        title_font_size=12,
        opacity="1",
        opacity_hover="1",
        stroke_width="0",
        stroke_width_hover="0",
        transition="0s",
        colors=tuple(colours),
    )
    return library.XY(
        style=style,
        width=WIDTH,
        height=HEIGHT,
        explicit_size=True,
        js=[],
        fill=True,
        show_dots=False,
        include_x_axis=True,
        x_title="seconds",
        x_value_formatter=on_axis,
        value_formatter=on_axis,
        truncate_legend=24,
        legend_box_size=12,
    )


def on_axis(value: float) -> str:
    """Return a number as it stands beside an axis: 0.5, 20, 1.2M."""
    power = 0
    while abs(value) >= 1000 and power < len(UNITS):
        value, power = value / 1000, power + 1
    return f"{value:.3g}{UNITS[power - 1] if power else ''}"


def outline(heights: Sequence[float], parts: Sequence[Span]) -> list[tuple[float, float]]:
    """Return the steps of a curve that is as high all through each span."""
    points = [
        point
        for height, part in zip(heights, parts)
        for point in ((part.begin, height), (part.end, height))
    ]
    return [
        point
        for index, point in enumerate(points)
        if index in {0, len(points) - 1}
        or not points[index - 1][1] == point[1] == points[index + 1][1]
    ]


def standing_alone(svg: bytes, title: str) -> str:
    """Return a drawing of pygal's without scripts and comments, with a title for screen readers."""
    ET.register_namespace("", SVG)
    root = ET.fromstring(svg)  # noqa: S314 -- pygal has just made it
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f"{{{SVG}}}script":
                parent.remove(child)
    for legend in root.iter(f"{{{SVG}}}g"):
        legend.attrib.pop("id", None)  # the same in every chart of a page
    for path in root.iter(f"{{{SVG}}}path"):
        path.set("d", re.sub(r"(\.\d)\d+", r"\1", path.get("d", "")))
    heading = root.find(f"{{{SVG}}}title")
    if heading is not None:
        heading.text = title
    root.set("role", "img")
    root.set("aria-label", title)
    return ET.tostring(root, encoding="unicode")
