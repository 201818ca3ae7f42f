"""A part of the bench, for who works on the module: python -m tracer_lab.bench.cli bookworm."""

from __future__ import annotations

import argparse
import sys

from tracer_lab.bench.boot import Parts, measure
from tracer_lab.cells import cell_named
from tracer_lab.errors import LabError

GUESTS = "bench-part"  # a whole run that is under way is not waited for


def main() -> None:
    """Measure what is asked for, and print the lines of the guest."""
    everything = Parts()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cell", help="a cell of the matrix, such as bookworm")
    parser.add_argument("--states", default=everything.states, help="such as 'baseline,tracer-*'")
    parser.add_argument("--works", default=everything.works, help="such as mutex,kmalloc64")
    parser.add_argument("--iterations", type=int, default=everything.iterations, help="of a batch")
    parser.add_argument("--batches", type=int, default=everything.batches)
    parser.add_argument("--crowds", type=int, nargs="*", default=[], help="such as 1000 10000")
    given = vars(parser.parse_args())
    cell = given.pop("cell")
    try:
        print(measure(cell_named(cell), Parts(**given), lambda _: None, GUESTS).lines, end="")
    except LabError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
