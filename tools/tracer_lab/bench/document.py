"""docs/performance.md: what the bench measured, written from docs/performance.json alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import fill

from tracer_lab.bench.chart import chart
from tracer_lab.bench.comparing import REPEATS
from tracer_lab.bench.figures import RECORD, Run, read_runs, replaced, write_runs
from tracer_lab.bench.readme import README, with_costs
from tracer_lab.bench.tables import Table, bounds_table, lines_below, number, tables
from tracer_lab.bench.vocabulary import MUTEX
from tracer_lab.cache import locked
from tracer_lab.markdown import table as markdown_table

DOCUMENT = Path("docs", "performance.md")
COLUMNS = 98
HEAD = """\
# Performance

All figures here are instructions that a processor executed. Instructions are not cycles, and not
time: how long they take depends on the machine. How many they are does not, so anybody finds the
same numbers, to within {repeats:.0%}:

    ./bootstrap bench                                    # all of this; writes this document
    ./bootstrap bench --compare docs/performance.json    # what has moved since, too
    ./bootstrap bench --short --check                    # only tracer, against its bounds

`invoke bench` wrote this from the figures in [performance.json](performance.json); to change it,
run that again. Each kernel was booted by QEMU with one emulated processor, for which each
instruction takes one nanosecond of the guest's time (`-icount shift=0,sleep=off`; a loop of known
length shows that it does). Each figure is a median of several batches in the same boot, less that
of the same work without any tool. Of whole programs it is the processor time of all their
processes; those of hackbench run as real-time ones, each until it waits.

tracer is measured with both of its engines. The floors are modules that do nothing: a probe of
the kernel on each symbol that tracer probes, with an empty handler. The peers count the same
calls, with these exceptions: by the kernel's tracepoints, the one called kmem sums the bytes of
kmalloc and kfree, and the one called tracepoint counts their calls; the one called sum counts by
fentry, without telling processes apart. [README](../README.md#the-alternatives) says what each
gives and needs.
"""
OF_RUN = """
## Linux {run.kernel} (Debian {run.cell})

Measured on {run.day} in the {run.form} form, commit {run.commit}.
"""
CHART = """
### A chart

![Instructions that are added to each call on Linux {kernel}; the numbers are in the column
{work} of the next table]({file})

Added to a call of `mutex_lock` or `mutex_unlock`, which are only counted. The same as a table:
"""
DETAILS = """
<details>
<summary>Every figure as it was measured</summary>
"""


def chart_file(run: Run) -> str:
    """The name of the chart of a run, beside the document."""
    return f"performance-{run.cell}.svg"


def document(runs: Sequence[Run]) -> str:
    """The whole text."""
    return HEAD.format(repeats=REPEATS) + "".join(part for run in runs for part in _parts(run))


def write_performance(tree: Path, new: Sequence[Run], cells: Sequence[str]) -> None:
    """Keep runs of some of the bench's ``cells``; write the document, its charts, README's table.

    Raises LabError if what is kept from before cannot be read.
    """
    with locked("performance-record"):
        kept = tree / RECORD
        runs = replaced(read_runs(kept) if kept.exists() else [], new, cells)
        write_runs(kept, runs)
        (tree / DOCUMENT).write_text(document(runs), encoding="utf-8")
        for run in runs:
            (tree / DOCUMENT).with_name(chart_file(run)).write_text(chart(run), encoding="utf-8")
        readme = tree / README
        text = with_costs(readme.read_text(encoding="utf-8"), runs)
        readme.write_text(text, encoding="utf-8")


def _parts(run: Run) -> Iterator[str]:
    yield OF_RUN.format(run=run)
    below = list(lines_below(run))
    if below:
        yield "\n" + "\n".join(f"- {line}" for line in below) + "\n"
    for table in (bounds_table(run), *tables(run)):
        if table.title == "Added to a call":
            yield CHART.format(kernel=run.kernel, work=MUTEX.label, file=chart_file(run))
        yield from _section(table)
    yield DETAILS
    yield markdown_table(_all_figures(run), numbers_from=2) + "\n\n</details>\n"


def _section(table: Table) -> Iterator[str]:
    yield f"\n### {table.title}\n\n{fill(table.text, COLUMNS)}\n"
    yield markdown_table([table.head, *table.rows], numbers_from=table.words) + "\n"


def _all_figures(run: Run) -> Iterator[Sequence[str]]:
    yield ("work", "state", "median", "batches", "spread", "unit")
    for one in run.figures:
        numbers = (number(one.value, 2), str(one.batches), f"{one.spread:.2%}")
        yield (one.work, one.state, *numbers, one.unit)
