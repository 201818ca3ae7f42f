"""How the pictures of README are judged and drawn, without a guest and without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tracer_lab.browser import LEAST_DRAWN, Box, Shown, boxes, drawn
from tracer_lab.pictures import TITLES, draw_terminal, last_screen

TREE = Path(__file__).resolve().parents[2]


def shown(*texts: Box, width: int = 100) -> Shown:
    return Shown(list(texts), [], [], width, 100)


def test_text_that_covers_other_text_is_a_complaint() -> None:
    first, beside = Box("a", 0, 0, 50, 20), Box("b", 49, 0, 90, 20)
    below, over = Box("c", 0, 19, 50, 40), Box("d", 45, 10, 60, 30)
    assert shown(first, beside, below).complaints(100) == []
    assert shown(first, over).complaints(100) == ["'a' covers 'd'"]


def test_charts_that_cover_each_other_are_a_complaint() -> None:
    charts = [Box("a", 0, 0, 50, 50), Box("b", 0, 40, 50, 90)]
    assert Shown([], charts, [], 100, 100).complaints(100) == ["'a' covers 'b'"]


def test_a_page_that_is_wider_than_its_window_is_a_complaint() -> None:
    assert shown(width=101).complaints(100) == ["the page is 101 pixels wide"]


def test_what_takes_no_room_is_not_there() -> None:
    nowhere = {"name": "a", "left": 0, "top": 0, "right": 0, "bottom": 0}
    assert boxes([nowhere, {**nowhere, "right": 1}]) == [Box("a", 0, 0, 1, 0)]


def test_a_chart_of_grey_lines_is_empty() -> None:
    image = Image.new("RGB", (100, 100), "white")
    image.paste((60, 60, 60), (0, 50, 100, 52))
    assert drawn(image) == 0
    image.paste((0, 114, 178), (0, 0, 30, 10))
    assert drawn(image) == 0.03 > LEAST_DRAWN


def test_the_last_screen_is_what_was_seen_before_the_terminal_was_left() -> None:
    first, last = "\x1b[?1049h\x1b[H\x1b[?25lone\r\n", "\x1b[H\x1b[1mtwo\x1b[0m\r\nthree\x1b[0K\r\n"
    lines = last_screen(f"{first}{last}\x1b[?25h\x1b[?1049lrest")
    assert [line.plain for line in lines] == ["two", "three"]
    assert [str(span.style) for span in lines[0].spans] == ["bold"]


def test_without_another_screen_everything_is_seen() -> None:
    assert [line.plain for line in last_screen("one\r\n\x1b[36mtwo\x1b[0m\r\n")] == ["one", "two"]


@pytest.mark.parametrize("name", TITLES)
def test_a_drawn_terminal_needs_nothing_from_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.terminal").write_text("PID  <b>\r\n", encoding="utf-8")
    drawing = draw_terminal(tmp_path, name, tmp_path).read_text(encoding="utf-8")
    assert "&lt;b&gt;" in drawing
    assert "font-face" not in drawing
    assert "url(http" not in drawing
    assert draw_terminal(tmp_path, name, tmp_path).read_text(encoding="utf-8") == drawing


def test_readme_shows_every_picture_and_they_are_small() -> None:
    readme = (TREE / "README.md").read_text(encoding="utf-8")
    kept = sorted((TREE / "docs" / "pictures").iterdir())
    assert [file.name for file in kept] == ["report.png", *sorted(f"{name}.svg" for name in TITLES)]
    for file in kept:
        assert f"](docs/pictures/{file.name})" in readme
    assert sum(file.stat().st_size for file in kept) < 300_000
