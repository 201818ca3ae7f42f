"""The whole programs of the bench: how a run is measured, and in which states."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from tracer_lab.bench.systemtap import symbol_map, why_not
from tracer_lab.in_bench.program_states import program_states, runs_in
from tracer_lab.in_bench.programs import Program, ProgramError, stress_ng
from tracer_lab.in_bench.states import State

COMPUTES = "sum(range(3_000_000))"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def state(name: str) -> State:
    return State(name, lambda _: nullcontext())


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_what_a_program_waits_for_is_not_measured() -> None:
    waits = Program("waits", python(f"import time; {COMPUTES}; time.sleep(2)"))
    assert 0 < waits.run(lambda _: None) < 2_000_000_000


def test_what_the_processes_of_a_program_compute_is_measured_too() -> None:
    alone = Program("alone", python("pass"))
    forks = f"import os; os.fork() or ({COMPUTES}, os._exit(0)); os.wait()"
    assert Program("forks", python(forks)).run(lambda _: None) > alone.run(lambda _: None)


def test_the_cost_of_a_run_is_told_for_an_operation() -> None:
    command = python(COMPUTES)
    whole = Program("whole", command).run(lambda _: None)
    assert Program("many", command, operations=1_000_000).run(lambda _: None) * 1000 < whole


def test_a_program_is_prepared_before_it_starts(tmp_path: Path) -> None:
    started = tmp_path / "started"
    seen = []

    def prepare(pid: int) -> None:
        while state_of(pid) != "S":  # until it waits for its input
            time.sleep(0.01)
        seen.append(started.exists())

    Program("starts", ["sh", "-c", f"echo >{started}; read x; true"]).run(prepare)
    assert seen == [False]
    assert started.exists()


def test_a_program_that_fails_is_no_figure() -> None:
    fails = Program("fails", ["sh", "-c", "echo no space left; exit 1"])
    with pytest.raises(ProgramError, match="sh failed: no space left"):
        fails.run(lambda _: None)


def test_a_stressor_does_so_many_operations() -> None:
    program = stress_ng("pipe", 500)
    assert program.work == "stress-ng-pipe"
    assert program.operations == 500
    assert "--pipe-ops 500" in " ".join(program.command)


def test_programs_are_measured_where_a_peer_follows_another_process_but_not_this_one() -> None:
    names = ["baseline", "tracer-ftrace-monitored", "perf-kprobe-other", "perf-kprobe-monitored"]
    found = program_states([state(name) for name in names])
    assert list(found) == ["baseline", "tracer-ftrace-monitored", "perf-kprobe-other"]


def test_the_compilation_is_measured_where_tracer_counts_and_in_few_other_states() -> None:
    compilation = Program("compile", ["make"])
    yes = ("baseline", "tracer-ftrace-other", "tracer-ftrace-monitored")
    no = ("tracer-ftrace-idle", "perf-kprobe-other", "floor-kprobe")
    assert all(runs_in(compilation, name) for name in yes)
    assert not any(runs_in(compilation, name) for name in no)


def test_the_map_for_systemtap_has_the_functions_between_the_ends_of_the_kernel() -> None:
    rows = [line.split() for line in symbol_map().splitlines()]
    assert (rows[0][2], rows[-1][2]) == ("_stext", "_etext")
    assert rows == sorted(rows)
    assert "mutex_lock" in [name for _, _, name in rows]


def test_why_systemtap_cannot_be_had_is_one_sentence() -> None:
    version = "Systemtap translator/driver (version 4.8/0.188, Debian version 4.8-2)"
    said = "a.c:107:40: error: passing argument 2\nb.c:1: error: another\n"
    assert why_not(version, "6.1.0", said) == (
        "SystemTap 4.8 does not compile for Linux 6.1.0: passing argument 2"
    )
    assert why_not(version, "7.3", "ERROR -x requires -g\n").endswith(": -x requires -g")
    assert why_not(version, "7.3", "warning\nKilled\n").endswith(": Killed")
    assert why_not(version, "7.3", "").endswith(": it did not say why")
