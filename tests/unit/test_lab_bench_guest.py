"""What of the bench runs in its guest, where it needs neither a kernel nor tracer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import pytest

from tracer_lab.bench.boot import FORMS, Parts
from tracer_lab.bench.figures import Absence, Figure, parse_lines
from tracer_lab.bench.root import apt_install
from tracer_lab.bench.vocabulary import CALLS, FLOORS, OF_TRACER, PIPE, STATES, of_tracer
from tracer_lab.cells import cell_named
from tracer_lab.in_bench import clock
from tracer_lab.in_bench.memory import OF_GROUP, OF_MACHINE, sum_of
from tracer_lab.in_bench.modules import ENGINES
from tracer_lab.in_bench.processes import Worker
from tracer_lab.in_bench.recording import Recorder
from tracer_lab.in_bench.requests import executed_of
from tracer_lab.in_bench.run import arguments, wanted
from tracer_lab.in_bench.states import crowd_states, states
from tracer_lab.in_bench.works import WORKS

LOOP = clock.ITERATIONS * clock.INSTRUCTIONS


Answer = tuple[int, int]  # nanoseconds, and those for which something else ran


class Scripted:
    """A worker whose answers are given beforehand."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self.answers: Iterator[Answer] = iter(answers)
        self.orders: list[str] = []

    def ask(self, order: str) -> list[int]:
        self.orders.append(order)
        return list(next(self.answers))


def scripted(answers: Iterable[Answer]) -> Worker:
    return cast("Worker", Scripted(answers))


def orders_of(worker: Worker) -> list[str]:
    return cast("Scripted", worker).orders


def test_the_clock_is_right_if_a_loop_that_nothing_interrupts_takes_its_instructions() -> None:
    loops = [(LOOP + 9000, 0)] * (clock.LOOPS - 1) + [(LOOP + 50, 0)]
    assert clock.check(scripted(loops)) == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize("factor", [0.5, 0.998, 1.002, 3.3])
def test_a_clock_that_does_not_count_instructions_is_refused(factor: float) -> None:
    with pytest.raises(clock.ClockError, match="icount"):
        clock.check(scripted([(int(LOOP * factor), 0)] * clock.LOOPS))


def test_a_machine_is_quiet_after_many_loops_in_a_row_that_nothing_ran_beside() -> None:
    disturbed, alone = (2 * LOOP, LOOP), (LOOP + 5000, 4800)
    worker = scripted([alone, disturbed, *[alone] * clock.QUIET_LOOPS, disturbed])
    clock.await_quiet(worker)
    assert len(orders_of(worker)) == 2 + clock.QUIET_LOOPS


def test_a_machine_that_is_never_quiet_is_refused() -> None:
    with pytest.raises(clock.ClockError, match="keeps running"):
        clock.await_quiet(scripted([(2 * LOOP, LOOP)] * clock.MAX_LOOPS))


def test_a_batch_that_something_ran_beside_is_done_again() -> None:
    worker = scripted([(999_999, 400_000), (610_000, 5_000), (600_000, 0)])
    assert clock.undisturbed(worker, "kernel mutex 20000") == 600_000
    assert orders_of(worker) == ["kernel mutex 20000"] * 3


def test_where_something_runs_every_time_the_least_disturbed_batch_counts() -> None:
    beside = [(700_000, 90_000), (650_000, 30_000), *[(680_000, 60_000)] * clock.TRIES]
    assert clock.undisturbed(scripted(beside), "kernel mutex 20000") == 650_000


def test_batches_follow_a_warm_up_and_are_told_by_the_iteration() -> None:
    (pipe,) = [work for work in WORKS if work.name == "pipe"]
    worker = scripted([(999_999_999, 0), (20_000, 9_000), (24_000, 9_000)])
    assert list(pipe.batches(worker, 100_000, 2)) == [10, 12]
    assert orders_of(worker) == [f"pipe {pipe.warm_up}", "pipe 2000", "pipe 2000"]


def test_calls_of_the_kernel_are_taken_without_what_disturbed_them() -> None:
    (mutex,) = [work for work in WORKS if work.name == "mutex"]
    worker = scripted([(1, 0), (90_000, 9_000), (30_000, 0)])
    assert list(mutex.batches(worker, 1000, 1)) == [30]


def test_figures_are_medians_with_their_spread_and_the_host_reads_them(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "figures")
    recorder.figure("mutex", "baseline", [20, 30, 20], "instructions an iteration")
    recorder.figure("memory-per-process", "tracer-ftrace", [0.0], "bytes")
    recorder.absent("systemtap-other", "it does not compile")
    figures, absences = parse_lines((tmp_path / "figures").read_text())
    unit = "instructions an iteration"
    assert figures[0] == Figure("mutex", "baseline", 20, unit, 3, 0.5)
    assert (figures[1].value, figures[1].spread) == (0, 0)
    assert absences == (Absence("systemtap-other", "it does not compile"),)


def test_works_and_states_have_the_names_that_the_host_knows() -> None:
    assert {work.name for work in WORKS} == {work.name for work in (*CALLS, PIPE)}
    crowds = [state.name for count in (1000, 10000) for state in crowd_states(range(count))]
    names = [*(state.name for state in states()), *crowds]
    assert len(names) == len(set(names))
    of_ours = {of_tracer(engine, state) for engine in ENGINES for state in OF_TRACER}
    assert set(names) == {"baseline", *FLOORS, *of_ours}
    assert set(names) < STATES.keys()


def test_memory_is_summed_from_lines_of_the_kernel() -> None:
    meminfo = "MemTotal:   99 kB\nSUnreclaim:  40 kB\nPercpu:  2 kB\nVmallocUsed: 100 kB\n"
    assert sum_of(meminfo, OF_MACHINE) == 142
    assert sum_of("anon 7\nslab_unreclaimable 300\npercpu 72\n", OF_GROUP) == 372
    with pytest.raises(KeyError):
        sum_of("percpu 72\n", OF_GROUP)


def test_the_machine_has_executed_what_its_one_processor_ran_processes_for() -> None:
    text = "version 15\ntimestamp 42\ncpu0 1 2 3 4 5 6 7000 8 9\ndomain0 1 7 7 7\n"
    assert executed_of(text) == 7000
    with pytest.raises(ValueError, match="unpack"):
        executed_of(text + "cpu1 1 2 3 4 5 6 7000 8 9\n")


def test_the_guest_takes_the_options_of_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    for parts in (*FORMS.values(), Parts(crowds=(7,), works="mutex")):
        monkeypatch.setattr("sys.argv", ["run.py", "--figures=/out/figures", *parts.options])
        given = arguments()
        assert (given.iterations, given.batches) == (parts.iterations, parts.batches)
        assert (given.states, given.works) == (parts.states, parts.works)
        assert given.crowds == list(parts.crowds)


def test_the_short_form_measures_every_work_and_nothing_that_takes_long() -> None:
    short = FORMS["short"]
    assert all(wanted(work.name, short.works) for work in WORKS)
    assert not any(wanted(name, short.works) for name in ("requests", "reading", "compile"))
    assert not short.crowds


def test_patterns_are_separated_by_commas() -> None:
    assert wanted("tracer-ftrace-idle", "baseline,tracer-*")
    assert not wanted("floor-kprobe", "baseline,tracer-*")


def test_what_a_kernel_of_backports_needs_is_taken_from_there() -> None:
    assert "--target-release=trixie-backports" in apt_install(cell_named("trixie-backports"))
    assert not any("target-release" in word for word in apt_install(cell_named("bookworm")))
