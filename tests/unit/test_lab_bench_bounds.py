"""The bounds of the bench, checked against figures that are made up here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tracer_lab.bench.bounds import Judged, Outcome, broken, complaints, judged
from tracer_lab.bench.figures import Figure, Run
from tracer_lab.bench.vocabulary import CALLS, ENGINES, OF_TRACER, PIPE, of_tracer

BASELINE = 100.0
UNIT = "instructions an iteration"


def figure(work: str, state: str, value: float) -> Figure:
    return Figure(work, state, value, UNIT, 5, 0.001)


def run_where(added: Mapping[str, float], kernel: str = "6.1.0-56-amd64") -> Run:
    """A run in which a state of tracer, named by its end, adds that to each iteration."""
    figures = [figure(work.name, "baseline", BASELINE) for work in (*CALLS, PIPE)]
    figures += [
        figure(work.name, of_tracer(engine, state), BASELINE + added.get(state, 0.0))
        for work in (*CALLS, PIPE)
        for engine in ENGINES
        for state in OF_TRACER
    ]
    figures += [figure("pipe", f"bpftrace-fentry-{who}", 200.0) for who in ("other", "monitored")]
    for rows in (1, 1000, 10000):
        figures.append(figure(f"read-proc-tracer-{rows}", "tracer-kretprobe-other", 9.0))
        figures.append(figure(f"read-pid-stat-{rows}", "tracer-kretprobe-other", 100.0))
    return Run("bookworm", kernel, "2026-11-23", "0123abc", "full", tuple(figures))


def found(run: Run, name: str, engine: str, work: str) -> Judged:
    (one,) = [
        one for one in judged(run) if (one.name, one.engine, one.work) == (name, engine, work)
    ]
    return one


@pytest.mark.parametrize(
    ("state", "name", "engine", "work", "most"),
    [
        ("idle", "loaded, idle", "kretprobe", "schedule", 0),
        ("idle", "loaded, idle", "ftrace", "schedule", 0),
        ("after-last", "the last one removed", "ftrace", "schedule", 0),
        ("other", "another monitored", "kretprobe", "schedule", 190),
        ("other", "another monitored", "kretprobe", "mutex", 2 * 190),
        ("other", "another monitored", "kretprobe", "kmalloc 64", 2 * 190),
        ("other", "another monitored", "ftrace", "up, down", 2 * 60),
        ("monitored", "this monitored: counts", "kretprobe", "mutex", 2 * 200),
        ("monitored", "this monitored: counts", "ftrace", "schedule", 70),
        ("monitored", "this monitored: bytes", "kretprobe", "kmalloc 64", 700),
        ("monitored", "this monitored: bytes", "ftrace", "kmalloc n", 350),
        ("other", "pipes: another, against fentry", "kretprobe", "pipe", 150),
        ("monitored", "pipes: this, against fentry", "kretprobe", "pipe", 50),
        ("other", "pipes: another, against fentry", "ftrace", "pipe", 50),
        ("monitored", "pipes: this, against fentry", "ftrace", "pipe", 20),
    ],
)
def test_the_bound_is_on_what_a_call_adds(
    state: str, name: str, engine: str, work: str, most: float
) -> None:
    # The peer adds 100 to a round trip.
    run = run_where({state: most})
    assert found(run, name, engine, work).outcome is Outcome.MET
    run = run_where({state: most + 2})
    assert found(run, name, engine, work).outcome is Outcome.OVER


def test_a_pair_with_bytes_may_take_more_on_7_3() -> None:
    name, work = "this monitored: bytes", "kmalloc 64"
    for engine, most in (("kretprobe", 800.0), ("ftrace", 400.0)):
        kernel = "7.3.4+deb13-amd64"
        assert (
            found(run_where({"monitored": most}, kernel), name, engine, work).outcome is Outcome.MET
        )
        over = run_where({"monitored": most + 1}, kernel)
        assert found(over, name, engine, work).outcome is Outcome.OVER


def test_many_are_compared_with_one_by_what_they_add() -> None:
    run = run_where({"other": 100.0, "10000-others": 104.0})
    kretprobe, ftrace = (
        found(run, "10,000 others, against 1", engine, "mutex") for engine in ENGINES
    )
    assert kretprobe.figure == pytest.approx(1.04)
    assert (kretprobe.outcome, ftrace.outcome) == (Outcome.OVER, Outcome.MET)


def test_a_row_is_compared_with_a_read_of_stat() -> None:
    name = "a row, against a /proc/PID/stat"
    run = run_where({})
    assert found(run, name, "both", "10,000 rows").figure == pytest.approx(0.09)
    rows = tuple(
        replace(one, value=11.0) if one.work == "read-proc-tracer-10000" else one
        for one in run.figures
    )
    over = replace(run, figures=rows)
    assert found(over, name, "both", "10,000 rows").outcome is Outcome.OVER
    assert found(over, name, "both", "1,000 rows").outcome is Outcome.MET


def test_less_than_half_an_instruction_is_nothing() -> None:
    assert (
        found(run_where({"idle": 0.4}), "loaded, idle", "ftrace", "schedule").outcome is Outcome.MET
    )
    over = found(run_where({"idle": 0.6}), "loaded, idle", "ftrace", "schedule")
    assert over.outcome is Outcome.OVER


def without(run: Run, *ends: str) -> Run:
    left = tuple(one for one in run.figures if not one.state.endswith(ends))
    return replace(run, figures=left)


@pytest.mark.parametrize("gone", ["baseline", "kretprobe-other"])
def test_what_is_not_measured_is_not_met(gone: str) -> None:
    one = found(without(run_where({}), gone), "another monitored", "kretprobe", "mutex")
    assert (one.figure, one.outcome) == (None, Outcome.UNKNOWN)


def test_a_peer_that_adds_nothing_is_nothing_to_compare_with() -> None:
    figures = tuple(
        replace(one, value=BASELINE) if one.state.startswith("bpftrace") else one
        for one in run_where({}).figures
    )
    run = replace(run_where({}), figures=figures)
    one = found(run, "pipes: this, against fentry", "ftrace", "pipe")
    assert one.outcome is Outcome.UNKNOWN


GOOD = {
    "other": 50.0,
    "monitored": 15.0,
    "10000-others": 50.0,
    "10000-others-and-this": 15.0,
}


def test_a_check_of_figures_within_their_bounds_finds_nothing() -> None:
    run = run_where(GOOD)
    assert broken(run) == []


def test_a_check_names_each_figure_over_its_bound() -> None:
    run = run_where({**GOOD, "monitored": 420.0, "10000-others-and-this": 420.0})
    lines = complaints(run)
    head = "over its bound: bookworm, Linux 6.1.0-56-amd64: "
    assert (
        f"{head}kretprobe, this monitored: counts, mutex: 210.0 instructions a call, bound 200"
        in lines
    )
    assert not any("bytes" in line and "kretprobe" in line for line in lines)


def test_the_short_form_is_only_checked_for_what_it_measures() -> None:
    run = run_where(GOOD)
    short = replace(without(run, "others", "others-and-this", "fentry-other"), form="short")
    assert broken(short) == []
    assert complaints(replace(short, form="full"))


def test_a_short_run_that_measured_nothing_does_not_pass() -> None:
    nothing = replace(run_where({}), figures=(), form="short")
    assert any(line.startswith("not measured") for line in complaints(nothing))
