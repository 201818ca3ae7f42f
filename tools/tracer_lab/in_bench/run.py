"""The bench in the guest: every work in every state, a line of JSON a figure.

    python3 -m in_bench.run --figures FILE [--states PATTERNS] [--works PATTERNS] ...

Ends with status 1 and a line that says why if the clock does not count instructions, or
something cannot be loaded.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from . import clock
from .memory import record_memory_of_processes, record_tables
from .modules import BUILT, ENGINES, LoadError, loaded, probed_symbols
from .peer_states import peer_states
from .peers.tool import PeerError
from .processes import Worker, WorkerError, sleepers, worker
from .program_states import program_states, record_programs
from .programs import ProgramError, programs
from .reading import record_reading
from .recording import Recorder
from .requests import record_requests
from .states import Setting, State, crowd_states, states
from .works import UNIT, WORKS

EXPECTED = (clock.ClockError, LoadError, ProgramError, WorkerError)


def arguments() -> argparse.Namespace:
    """What to measure, and where to write it."""
    parser = argparse.ArgumentParser(description="Measure works in states of tracer.")
    parser.add_argument("--figures", type=Path, required=True, help="the file to write")
    parser.add_argument("--states", default="*", help="patterns of names, separated by commas")
    parser.add_argument("--works", default="*", help="the same; also of: requests, reading, memory")
    parser.add_argument("--iterations", type=int, default=100_000, help="of a batch")
    parser.add_argument("--batches", type=int, default=5)
    parser.add_argument("--crowds", type=int, nargs="*", default=[], help="1000 10000")
    return parser.parse_args()


def wanted(name: str, patterns: str) -> bool:
    """Whether one of those patterns, separated by commas, matches."""
    return any(fnmatchcase(name, pattern) for pattern in patterns.split(","))


def measure(state: State, setting: Setting, given: argparse.Namespace, recorder: Recorder) -> None:
    """Record every work in that state, or that there is no such state here."""
    found: dict[str, list[float]] = {}
    try:
        with state.entered(setting):
            clock.await_quiet(setting.worker)
            for work in WORKS:
                if wanted(work.name, given.works):
                    values = work.batches(setting.worker, given.iterations, given.batches)
                    found[work.name] = list(values)
    except PeerError as error:
        # Of a peer it may turn out at the end that it did not count.
        recorder.absent(state.name, str(error))
        return
    for name, batches in found.items():
        recorder.figure(name, state.name, batches, UNIT)


def run_all(one: Worker, given: argparse.Namespace, recorder: Recorder) -> None:
    """Record everything that is wanted: what takes longest comes last."""
    with sleepers(2) as few:
        setting = Setting(one, few[0], probed_symbols())
        calls = any(wanted(work.name, given.works) for work in WORKS)
        for state in [*states(), *peer_states()]:
            if calls and wanted(state.name, given.states):
                measure(state, setting, given, recorder)
        for engine in ENGINES:
            if wanted(f"tracer-{engine}", given.states) and wanted("requests", given.works):
                record_requests(engine, one, few, given.batches, recorder)
            if wanted(f"tracer-{engine}", given.states) and wanted("memory", given.works):
                record_tables(engine, few[0], given.batches, recorder)
        if wanted("reading", given.works):
            record_reading(one, few[:1], given.batches, recorder)
        for crowd in given.crowds:
            with sleepers(crowd) as others:
                run_crowd(setting, others, given, recorder)
        run_programs(setting, given, recorder)


def run_programs(setting: Setting, given: argparse.Namespace, recorder: Recorder) -> None:
    """Record the whole programs that are wanted."""
    every = program_states([*states(), *peer_states()])
    entered = {name: enter for name, enter in every.items() if wanted(name, given.states)}
    with programs() as all_of_them:
        chosen = [program for program in all_of_them if wanted(program.work, given.works)]
        record_programs(entered, chosen, setting, given.batches, recorder)


def run_crowd(
    setting: Setting, others: Sequence[int], given: argparse.Namespace, recorder: Recorder
) -> None:
    """Record what is wanted where there are so many other processes."""
    for state in crowd_states(others):
        if wanted(state.name, given.states):
            measure(state, setting, given, recorder)
    if wanted("reading", given.works):
        record_reading(setting.worker, others, given.batches, recorder)
    for engine in ENGINES:
        if wanted("memory", given.works) and len(others) == max(given.crowds):
            record_memory_of_processes(engine, others, given.batches, recorder)


def main() -> None:
    """Run what is asked for."""
    given = arguments()
    recorder = Recorder(given.figures)
    try:
        with loaded(BUILT / "tracer_bench.ko"), worker() as one:
            recorder.figure("loop", "clock", [clock.check(one)], "nanoseconds an instruction")
            run_all(one, given, recorder)
    except (*EXPECTED, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
