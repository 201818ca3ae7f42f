"""Running the bench on several kernels side by side: a count of instructions does not mind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from fnmatch import fnmatchcase

from tracer_lab.bench.boot import run_bench
from tracer_lab.bench.figures import Form, Run
from tracer_lab.cells import Cell, cell_named
from tracer_lab.errors import LabError
from tracer_lab.matrix import Stopped, guests_at_a_time

CELLS = (
    "bookworm",
    "trixie-backports",
)  # of the matrix: the oldest kernel with a bound, the newest

# Told of a cell what it does now. Called by several threads.
SayOf = Callable[[str, str], None]


def chosen_cells(only: str) -> list[Cell]:
    """The cells of the bench whose name matches that shell pattern, or else all.

    Raises LabError if there is none.
    """
    names = [name for name in CELLS if fnmatchcase(name, only or "*")]
    if not names:
        raise LabError(f"no cell of the bench is called {only}", f"there are: {', '.join(CELLS)}")
    return [cell_named(name) for name in names]


def run_cells(
    cells: Sequence[Cell], form: Form, say: SayOf, keep: Callable[[Run], None]
) -> list[Run]:
    """Run the bench on each cell; the runs in the order of the cells.

    ``keep`` is given each run as soon as there is one. Raises what ``run_bench`` raises, when
    the other cells have ended, too.
    """
    stop = threading.Event()

    def run_one(cell: Cell) -> Run:
        def say_it(words: str) -> None:
            if stop.is_set():
                raise Stopped
            say(cell.name, words)

        return run_bench(cell, form, say_it)

    with ThreadPoolExecutor(min(len(cells), guests_at_a_time())) as pool:
        under_way: list[Future[Run]] = [pool.submit(run_one, cell) for cell in cells]
        try:
            for ended in as_completed(under_way):
                if ended.exception() is None:
                    keep(ended.result())
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [run.result() for run in under_way]
