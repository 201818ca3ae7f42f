"""What tracerctl report makes of a recording: a page, and counters for viewers of traces."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.unit.tools.recordings import HEADER, counters, recording

from tracer_tools.recording.charts import COLOURS, on_axis
from tracer_tools.recording.lines import Line, as_text
from tracer_tools.recording.page import page
from tracer_tools.recording.perfetto import AGAIN, trace
from tracer_tools.recording.reading import Recording
from tracer_tools.recording.series import MOST_NAMES, MOST_SPANS, bands, places, spans
from tracer_tools.table import COUNTERS

if TYPE_CHECKING:
    from tests.unit.tools.conftest import Tracerctl

EVIL = "<script>a</script>"
BUILD = recording(
    {
        "make": [counters(10, up=0), counters(2, up=0)],
        "cc1": [None, counters(300, up=0), counters(50, up=0)],
        EVIL: [counters(0), counters(1, up=0)],
    }
)
VOID = {"meta", "br", "link", "img", "input"}
FETCHES = {"script", "link", "img", "iframe", "object", "embed", "image", "use", "foreignobject"}


class Outline(HTMLParser):
    """What a page consists of; fails the test if an element is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.texts.setdefault(self.open[-1], []).append(data.strip())

    def with_tag(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def text() -> str:
    return page(BUILD)


@pytest.fixture(scope="module")
def outline(text: str) -> Outline:
    return Outline(text)


def section(text: str, name: str) -> str:
    """Return a section of a page, without its drawing and its tags, on one line."""
    found = re.search(rf'<section class="{name}".*?</section>', text, re.DOTALL)
    assert found
    without = re.sub(r"<svg.*?</svg>", "", found[0], flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", without).split())


def test_the_page_needs_nothing_from_elsewhere(text: str, outline: Outline) -> None:
    assert not FETCHES & {tag for tag, _ in outline.tags}
    for _, attributes in outline.tags:
        assert not {"src", "href", "data", "srcset"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in text
    assert "@import" not in text
    policies = [each["content"] for each in outline.with_tag("meta") if "http-equiv" in each]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_a_name_is_text_whatever_it_is(text: str, outline: Outline) -> None:
    assert EVIL not in text
    assert f"{EVIL} 103" in outline.texts["th"]


def test_each_column_has_a_chart_with_a_title_and_a_table(outline: Outline) -> None:
    charts = outline.with_tag("svg")
    labels = [chart["aria-label"] or "" for chart in charts]
    assert [label.partition(":")[0] for label in labels] == [
        name for name in COUNTERS if name != "up"
    ]
    assert all(chart["role"] == "img" for chart in charts)
    assert [title for title in outline.texts["title"] if "over time" in title] == labels
    # One a chart, and those of the summary and of the ranking.
    assert len(outline.with_tag("table")) == len(charts) + 2
    assert len(outline.texts["caption"]) == len(charts) + 2


def test_a_column_of_nothing_has_a_sentence(text: str) -> None:
    assert section(text, "up") == "up: calls of up There were no calls of up."


def test_a_legend_has_each_process_that_did_something(outline: Outline) -> None:
    assert outline.texts["text"].count("cc1 102") == len(COUNTERS) - 1


def test_the_table_beside_a_chart_is_exact(text: str) -> None:
    assert section(text, "kmalloc").endswith(
        "process in all share most per s cc1 102 350 96.4% 300 make 101 12 3.3% 10 "
        "&lt;script&gt;a&lt;/script&gt; 103 1 0.3% 1 all 363 100.0%"
    )


def test_the_summary_says_what_was_recorded_and_the_sums(text: str) -> None:
    found = section(text, "summary")
    assert "Command make -j2 " in found
    assert "Linux 6.1.0-50-amd64" in found
    assert "3.00 s in intervals of 1 s" in found
    assert "Ended with exit status 0" in found
    assert "calls of kmalloc 363 121 " in found


def test_the_ranking_has_who_called_most_first(text: str) -> None:
    found = section(text, "ranking")
    assert found.index("cc1 102") < found.index("make 101") < found.index(" 103 ")
    assert f"all {363 * 6:,} 363 363 363 363 363 0 363 363 363" in found


def test_what_was_missed_is_said(text: str) -> None:
    assert section(text, "missed") == "What was missed Nothing: the numbers are exact."
    assert BUILD.end is not None
    end = replace(BUILD.end, lost=2, missed=7)
    found = section(page(replace(BUILD, end=end)), "missed")
    assert "2 processes lost" in found
    assert "7 samples missed" in found
    assert "cut off" in section(page(replace(BUILD, end=None)), "missed")


def test_of_processes_the_title_names_their_pids() -> None:
    header = replace(HEADER, command=None, pids=[7, 9])
    assert "<h1>What processes 7, 9 did in the kernel</h1>" in page(replace(BUILD, header=header))


def test_a_recording_of_nothing_has_a_page() -> None:
    found = Outline(page(recording({})))
    assert found.with_tag("svg") == []


def test_one_recording_gives_one_page(text: str) -> None:
    assert page(BUILD) == text


def many(processes: int, seconds: int) -> Recording:
    return recording(
        {f"p{number}": [counters(number + 1)] * seconds for number in range(processes)}
    )


def test_those_that_did_less_are_one_band() -> None:
    found = many(MOST_NAMES + 5, 3)
    shown = bands(found, "kmalloc", spans(found))
    assert len(shown) == MOST_NAMES + 1
    assert shown[0].name == f"p{MOST_NAMES + 4} {101 + MOST_NAMES + 4}"
    assert shown[-1].name == "5 other processes"
    assert sum(band.total for band in shown) == found.sums()["kmalloc"]
    assert sum(map(sum, (band.rates for band in shown))) == found.sums()["kmalloc"]


def test_one_more_than_there_are_names_is_no_band_of_one() -> None:
    found = many(MOST_NAMES + 1, 1)
    shown = bands(found, "kmalloc", spans(found))
    assert [band.process for band in shown] == list(range(MOST_NAMES + 1, 0, -1))


def test_a_long_recording_has_fewer_spans_and_the_same_sums() -> None:
    found = many(2, 3 * MOST_SPANS + 1)
    parts = spans(found)
    assert len(parts) <= MOST_SPANS
    assert (parts[0].begin, parts[-1].end) == (0.0, found.seconds())
    for band in bands(found, "kmalloc", parts):
        lengths = [part.end - part.begin for part in parts]
        whole = sum(rate * length for rate, length in zip(band.rates, lengths))
        assert whole == pytest.approx(band.total)


def test_no_two_bands_have_one_colour_and_processes_keep_theirs() -> None:
    found = many(MOST_NAMES + 5, 1)
    shown = bands(found, "kmalloc", spans(found))
    ranking = [band.process for band in shown if band.process is not None]
    first = places(shown, ranking)
    assert first == [*range(MOST_NAMES), MOST_NAMES + 1]
    other = places(shown[::-1], [*ranking[1:], 99])
    assert len(set(other)) == len(other)
    assert other[1:-1] == list(range(MOST_NAMES - 1))[::-1]
    assert len(COLOURS) == MOST_NAMES + 2


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.5, "0.5"), (80, "80"), (1200, "1.2k"), (5e7, "50M")]
)
def test_numbers_beside_an_axis_are_short(value: float, text: str) -> None:
    assert on_axis(value) == text


def test_a_trace_has_the_rates_of_each_process() -> None:
    document = json.loads(trace(BUILD))
    events = [event for event in document["traceEvents"] if event["name"] == "kmalloc"]
    values = [(each["ts"], each["args"]["per second"]) for each in events if each["pid"] == 102]
    assert values == [(1e6, 300.0), (2e6, 50.0), (3e6, 0.0)]
    assert {event["ph"] for event in events} == {"C"}
    names = {
        event["pid"]: event["args"]["name"]
        for event in document["traceEvents"]
        if event["ph"] == "M"
    }
    assert names == {101: "make 101", 102: "cc1 102", 103: f"{EVIL} 103"}
    assert document["otherData"]["missed"] == "nothing"


def test_a_pid_that_comes_again_is_another_process_of_the_trace() -> None:
    again = replace(BUILD, totals=[replace(each, pid=7) for each in BUILD.totals])
    pids = {event["pid"] for event in json.loads(trace(again))["traceEvents"]}
    assert pids == {7, 7 + AGAIN, 7 + 2 * AGAIN}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a recording."""
    assert BUILD.end is not None
    lines: list[Line] = [BUILD.header, *BUILD.steps, *BUILD.totals, BUILD.end]
    (tmp_path / "a").write_text("".join(map(as_text, lines)), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ([], "report.html"),
        (["--perfetto"], "trace.json"),
        (["-o", "x"], "x"),
        (["--perfetto", "-o", "x"], "x"),
    ],
)
def test_the_command_says_what_it_has_written(
    tracerctl: Tracerctl, folder: Path, options: list[str], name: str
) -> None:
    ran = tracerctl.call("report", *options, "a", cwd=folder)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"{name}\n", "")
    wanted = trace(BUILD) if "--perfetto" in options else page(BUILD)
    assert (folder / name).read_text(encoding="utf-8") == wanted


def test_without_pygal_one_line_says_what_to_install(tracerctl: Tracerctl, folder: Path) -> None:
    (folder / "pygal.py").write_text("raise ImportError\n", encoding="ascii")
    path = f"{folder}:{tracerctl.environment['PYTHONPATH']}"
    ran = tracerctl.call("report", "a", cwd=folder, environment={"PYTHONPATH": path})
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        "tracerctl: the charts of a report are drawn by pygal, which is not installed: "
        "run 'sudo apt install python3-pygal'\n"
    )
    assert not (folder / "report.html").exists()
    ran = tracerctl.call("report", "--perfetto", "a", cwd=folder, environment={"PYTHONPATH": path})
    assert ran.returncode == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("b", "tracerctl: cannot read 'b': No such file or directory\n"),
        (".", "tracerctl: cannot read '.': Is a directory\n"),
        ("empty", "tracerctl: empty: line 1: no recording: it has no header\n"),
        ("bytes", "tracerctl: bytes: line 1: no recording: it is no text\n"),
        ("other", "tracerctl: other: line 1: no line of a recording: '{\"schema\": 1}'\n"),
    ],
)
def test_what_is_no_recording_is_one_line(
    tracerctl: Tracerctl, folder: Path, name: str, message: str
) -> None:
    (folder / "empty").touch()
    (folder / "bytes").write_bytes(b"\xff\n")
    (folder / "other").write_text('{"schema": 1}\n', encoding="ascii")
    ran = tracerctl.call("report", name, cwd=folder)
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", message)


def test_the_recording_itself_is_not_written_over(tracerctl: Tracerctl, folder: Path) -> None:
    before = (folder / "a").read_bytes()
    ran = tracerctl.call("report", "-o", "./a", "a", cwd=folder)
    assert ran.returncode == 2
    assert "'./a' is the recording itself" in ran.stderr
    assert (folder / "a").read_bytes() == before
