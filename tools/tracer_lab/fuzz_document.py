"""docs/fuzzing.json: what the long runs of the fuzzer came to; and the tables of it."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tracer_lab.fuzz import MODULE, FuzzRun
from tracer_lab.markdown import table

RECORD = Path("docs", "fuzzing.json")
DOCUMENT = Path("docs", "fuzzing.md")
HEAD = """\
# Fuzzing

`invoke fuzz` wrote this from [fuzzing.json](fuzzing.json). The fuzzer (`tests/guest/fuzzer`) makes
random programs of calls, by root and by members of the group at once, with threads, children,
signals, and allocations that fail. KCOV tells it which of them reached new code. Lines are those
at which the compiler begins a block of instructions. KCOV follows the calls of a process: not its
end, work items, interrupts, or the load and unload of the module, whose lines are not counted.
"""


def write_fuzzed(tree: Path, runs: Sequence[FuzzRun]) -> None:
    """Keep those runs, each in place of an earlier one of its cell, and write the document."""
    record = tree / RECORD
    kept = json.loads(record.read_text(encoding="utf-8")) if record.exists() else []
    cells = {run.cell for run in runs}
    kept = [run for run in kept if run["cell"] not in cells]
    kept += [as_record(tree, run) for run in runs]
    record.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    text = HEAD + "".join(f"\n{line}\n" for run in kept for line in of_run(run))
    (tree / DOCUMENT).write_text(text, encoding="utf-8")


def lines_of_run(tree: Path, run: FuzzRun) -> list[str]:
    """The same for a terminal."""
    return list(of_run(as_record(tree, run)))


def as_record(tree: Path, run: FuzzRun) -> dict[str, Any]:
    """A run with the text of the lines that it did not reach."""
    record = asdict(run)
    record["missed"] = {
        one.file: {str(number): source_line(tree, one.file, number) for number in one.missed}
        for one in run.reached
    }
    record["not_followed"] = {one.file: one.others for one in run.reached}
    record["reached"] = {one.file: [one.lines - len(one.missed), one.lines] for one in run.reached}
    return record


def source_line(tree: Path, file: str, number: int) -> str:
    """A line of the module's source."""
    return (tree / MODULE / file).read_text(encoding="utf-8").splitlines()[number - 1].strip()


def of_run(run: dict[str, Any]) -> Iterator[str]:
    """The paragraphs on a run."""
    did = run["did"]
    yield f"## Linux {run['kernel']} ({run['cell']})"
    yield (
        f"{run['day']}, commit {run['commit']}: {did['calls']:,} calls in {did['programs']:,} "
        f"programs by {did['workers']} workers, seed {did['seed']}, {run['seconds']:,} s for all; "
        f"{did['kept']} programs reached something new; {did['records']:,} records and "
        f"{did['rows']:,} rows were read and judged. "
        + ("Amiss: " + "; ".join(run["amiss"]) if run["amiss"] else "Nothing was amiss.")
    )
    yield table(rows_of_files(run), 1).strip()
    yield table(rows_of_calls(did), 1).strip()
    yield "Not reached:"
    yield table(rows_of_missed(run)).strip()
    yield "Not followed: " + "; ".join(
        f"{file} {', '.join(map(str, numbers))}"
        for file, numbers in run["not_followed"].items()
        if numbers
    )


def rows_of_files(run: dict[str, Any]) -> Iterator[Sequence[str]]:
    """What was reached of each file, and of all."""
    yield "file", "lines", "reached", ""
    sums = [0, 0]
    for file, (reached, lines) in run["reached"].items():
        sums = [sums[0] + reached, sums[1] + lines]
        yield file, str(lines), str(reached), f"{reached / lines:.0%}"
    yield "all", str(sums[1]), str(sums[0]), f"{sums[0] / sums[1]:.1%}"


def rows_of_calls(did: dict[str, Any]) -> Iterator[Sequence[str]]:
    """How often each kind of call was made, and what it was answered."""
    yield "call", "made", "answers"
    for name, kind in did["kinds"].items():
        answers = (f"{named(number)} {count:,}" for number, count in kind["errnos"].items())
        yield name, f"{kind['calls']:,}", ", ".join(answers)


def named(number: str) -> str:
    """The name of an errno."""
    return errno.errorcode[int(number)] if int(number) else "OK"


def rows_of_missed(run: dict[str, Any]) -> Iterator[Sequence[str]]:
    """The lines that were not reached."""
    yield "line", "source"
    for file, lines in run["missed"].items():
        for number, text in lines.items():
            yield f"{file}:{number}", f"`{text}`"
