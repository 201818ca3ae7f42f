"""The matrix without its guests: which cells are run, and running them side by side."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from tracer_lab.cache import locked
from tracer_lab.cells import CELLS, SANITIZER_CELLS
from tracer_lab.errors import LabError
from tracer_lab.guest_suite import list_tests
from tracer_lab.matrix import Subject, all_jobs, kept_apart, run_jobs, select, workers
from tracer_lab.matrix_display import LiveDisplay
from tracer_lab.reports import CellReport, Job, Order, Verdict
from tracer_lab.vm import GuestLost

SUBJECT = Subject([], Path())


def passed(name: str, order: Order) -> CellReport:
    return CellReport(name, Verdict.PASS, order.log)


def job(name: str, **marks: bool) -> Job:
    return Job(name, partial(passed, name), **marks)


JOBS = [
    job("trixie"),
    job("trixie-rt"),
    job("forky"),
    job("trixie-arm64", in_default=False),
    job("sanitizer-6.1", in_default=False),
    job("sanitizer-7.3", in_default=False),
    job("build-trixie", has_tests=False),
]


@pytest.mark.parametrize(
    ("only", "tests", "everything", "names"),
    [
        ("", "", False, ["trixie", "trixie-rt", "forky", "build-trixie"]),
        ("", "", True, [one.name for one in JOBS]),
        ("trixie*", "", False, ["trixie", "trixie-rt"]),
        ("trixie*", "", True, ["trixie", "trixie-rt", "trixie-arm64"]),
        ("trixie-arm64", "", False, ["trixie-arm64"]),
        ("sanitizer*", "", False, ["sanitizer-6.1", "sanitizer-7.3"]),
        ("*-7.3", "", False, ["sanitizer-7.3"]),
        ("*trixie", "zombie", False, ["trixie"]),
    ],
)
def test_cells_are_selected(only: str, tests: str, everything: bool, names: Sequence[str]) -> None:
    assert [one.name for one in select(JOBS, only, tests, everything)] == names


def test_a_pattern_that_matches_no_cell_is_an_error_that_names_them() -> None:
    with pytest.raises(LabError, match="no cell of the matrix is called sid") as error:
        select(JOBS, "sid")
    assert "trixie-rt" in error.value.hint


def test_six_cells_are_in_every_run_and_all_have_names_of_their_own() -> None:
    jobs = all_jobs()
    assert len({one.name for one in jobs}) == len(jobs)
    assert [one.name for one in jobs if one.in_every_run] == [
        *("bullseye", "bookworm", "trixie", "forky", "trixie-backports"),
        "trixie-backports-ftrace",
    ]


def test_every_kernel_of_amd64_that_boots_is_tested_with_both_engines() -> None:
    names = [one.name for one in all_jobs() if one.has_tests]
    by_ftrace = [name.removesuffix("-ftrace") for name in names if name.endswith("-ftrace")]
    built = [cell.name for cell in SANITIZER_CELLS]
    assert by_ftrace == [*(cell.name for cell in CELLS if cell.architecture == "amd64"), *built]
    assert set(by_ftrace) <= set(names)


def test_guest_tests_are_selected_by_a_part_of_their_name() -> None:
    everything = list_tests()
    zombies = list_tests("zombie")
    assert zombies == [name for name in everything if "zombie" in name]
    assert 0 < len(zombies) < len(everything)


def test_tests_that_need_faults_are_left_out_unless_the_kernel_has_some() -> None:
    everything = list_tests(faults=True)
    needing = set(everything) - set(list_tests())
    assert needing
    assert all(name.startswith("test_faults.") for name in needing)


def test_a_name_that_no_guest_test_has_is_an_error() -> None:
    with pytest.raises(LabError, match="no guest test has 'zombies_in_space' in its name"):
        list_tests("zombies_in_space")


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Console:
    monkeypatch.setenv("TRACER_LAB_CACHE", str(tmp_path))
    return Console(file=io.StringIO(), width=100)


def run(jobs: Sequence[Job], console: Console) -> list[CellReport]:
    with LiveDisplay(console, len(jobs)) as display:
        return run_jobs(jobs, SUBJECT, "", display)


def test_what_is_tested_stays_as_it_was_when_the_run_began(tmp_path: Path) -> None:
    bench = "tools/tracer_lab/in_bench/module/bench.c"
    names = ("x.deb", "src/tracer/main.c", "tests/guest/run.py", bench)
    deb, *parts = (tmp_path / name for name in names)
    for file in (deb, *parts):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("before")
    with kept_apart(tmp_path, [deb]) as subject:
        for file in (deb, *parts):
            file.write_text("after")
        kept = [subject.tree / file.relative_to(tmp_path) for file in parts]
        assert [file.read_text() for file in (*subject.debs, *kept)] == ["before"] * 4


@pytest.mark.parametrize(
    ("processors", "gibibytes", "at_a_time"), [(2, 16, 3), (16, 16, 5), (2, 4, 1), (4, 1, 1)]
)
def test_as_many_cells_run_at_a_time_as_there_is_room_for(
    processors: int, gibibytes: int, at_a_time: int
) -> None:
    meminfo = f"MemTotal:       99999999 kB\nMemAvailable:   {gibibytes << 20} kB\nBuffers: 1 kB\n"
    assert workers(processors, meminfo) == at_a_time


def test_the_reports_are_in_the_order_of_the_cells(console: Console) -> None:
    names = [f"cell-{number}" for number in range(20)]
    assert [one.name for one in run([job(name) for name in names], console)] == names


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (GuestLost("guest trixie was lost 2 times", "console: /c"), Verdict.LOST),
        (LabError("no such package", "apt update"), Verdict.FAIL),
    ],
)
def test_a_cell_that_is_stopped_is_no_pass_and_the_others_go_on(
    error: LabError, verdict: Verdict, console: Console
) -> None:
    def stop(order: Order) -> CellReport:
        raise error

    stopped, other = run([Job("trixie", stop), job("forky")], console)
    assert (stopped.verdict, stopped.reasons) == (verdict, (str(error),))
    assert other.verdict is Verdict.PASS
    assert error.message in stopped.log.read_text()


def test_a_cell_that_another_run_is_at_waits_for_it(console: Console) -> None:
    said: list[str] = []
    with ExitStack() as other_run:
        other_run.enter_context(locked("matrix-trixie"))

        class Ending(LiveDisplay):
            def said(self, name: str, words: str) -> None:
                said.append(words)
                other_run.close()

        with Ending(console, 1) as display:
            (cell,) = run_jobs([job("trixie")], SUBJECT, "", display)
    assert said == ["waiting for another run of this cell"]
    assert cell.verdict is Verdict.PASS


def test_without_a_terminal_each_step_of_a_cell_is_a_line(console: Console) -> None:
    def talk(order: Order) -> CellReport:
        for words in ("booting", "1 of 2 tests", "2 of 2 tests"):
            order.say(words)
        return passed("trixie", order)

    run([Job("trixie", talk)], console)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines[:2] == ["   ... trixie: booting", "   ... trixie: 1 of 2 tests"]
    assert lines[2].split()[:2] == ["pass", "trixie"]
    assert len(lines) == 3


def test_an_interruption_ends_the_cells_that_are_under_way(console: Console) -> None:
    class Interrupting(LiveDisplay):
        def ended(self, report: CellReport) -> None:
            raise KeyboardInterrupt

    def endless(order: Order) -> CellReport:
        while True:
            order.say("running")

    with pytest.raises(KeyboardInterrupt), Interrupting(console, 2) as display:
        run_jobs([job("forky"), Job("trixie", endless)], SUBJECT, "", display)
