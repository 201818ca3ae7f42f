"""The bench in the guest: every work in every state, a line of JSON a figure.

    python3 -m in_bench.run --figures FILE [--states PATTERNS] [--works PATTERNS] ...

Ends with status 1 and a line that says why if the clock does not count instructions, or
something cannot be loaded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from . import clock
from .modules import BUILT, LoadError, NoEngineError, loaded, probed_symbols
from .processes import Worker, WorkerError, sleepers, worker
from .recording import Recorder
from .states import Setting, State, states
from .works import UNIT, WORKS


def arguments() -> argparse.Namespace:
    """What to measure, and where to write it."""
    parser = argparse.ArgumentParser(description="Measure works in states of tracer.")
    parser.add_argument("--figures", type=Path, required=True, help="the file to write")
    parser.add_argument("--states", default="*", help="patterns of names, separated by commas")
    parser.add_argument("--works", default="*", help="patterns of names, separated by commas")
    parser.add_argument("--iterations", type=int, default=100_000, help="of a batch")
    parser.add_argument("--batches", type=int, default=5)
    parser.add_argument("--crowds", default="1000,10000", help="numbers of processes")
    return parser.parse_args()


def wanted(name: str, patterns: str) -> bool:
    """Whether one of those patterns, separated by commas, matches."""
    return any(fnmatchcase(name, pattern) for pattern in patterns.split(","))


def measure(state: State, setting: Setting, given: argparse.Namespace, recorder: Recorder) -> None:
    """Record every work in that state, or that there is no such state here."""
    try:
        with state.entered(setting):
            for work in WORKS:
                if wanted(work.name, given.works):
                    values = work.batches(setting.worker, given.iterations, given.batches)
                    recorder.figure(work.name, state.name, list(values), UNIT)
    except NoEngineError as error:
        recorder.absent(state.name, str(error))


def run_states(given: argparse.Namespace, one: Worker, recorder: Recorder) -> None:
    """Record every work in every state that is wanted."""
    crowds: Sequence[int] = [int(number) for number in given.crowds.split(",") if number]
    with sleepers(1) as (other,):
        setting = Setting(one, other, probed_symbols())
        for state in states(crowds):
            if wanted(state.name, given.states):
                measure(state, setting, given, recorder)


def main() -> None:
    """Run what is asked for."""
    given = arguments()
    recorder = Recorder(given.figures)
    try:
        with loaded(BUILT / "tracer_bench.ko"), worker() as one:
            recorder.figure("loop", "clock", [clock.check(one)], "nanoseconds an instruction")
            run_states(given, one, recorder)
    except (clock.ClockError, LoadError, WorkerError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
