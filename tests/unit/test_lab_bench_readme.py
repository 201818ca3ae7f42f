"""README's table of costs, and that what the tree says of costs is what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer_lab.bench.document import DOCUMENT, document
from tracer_lab.bench.figures import RECORD, Figure, Run, read_runs
from tracer_lab.bench.readme import README, with_costs
from tracer_lab.errors import LabError

TREE = Path(__file__).resolve().parents[2]
UNIT = "instructions an iteration"
BEFORE, AFTER = "# tracer\n\nText.\n", "\nMore text.\n"
OLD = "\n| instructions added | 6.1, a call |\n| --- | ---: |\n| tracer, ftrace | 1 / 2 |\n"


def run_of(kernel: str) -> Run:
    values = {
        ("mutex", "baseline"): 20.0,
        ("mutex", "tracer-ftrace-other"): 120.0,
        ("mutex", "tracer-ftrace-monitored"): 140.8,
        ("kmalloc64", "baseline"): 200.0,
        ("kmalloc64", "bpftrace-kmem-monitored"): 3188.0,
        ("mutex", "bpftrace-kmem-monitored"): 20.0,
        ("mutex", "floor-kprobe"): 300.0,
    }
    figures = tuple(Figure(*names, value, UNIT, 5, 0.0) for names, value in values.items())
    return Run("bookworm", kernel, "2026-11-23", "0123abc", "full", figures)


def test_the_table_of_costs_is_replaced_and_nothing_else() -> None:
    text = with_costs(BEFORE + OLD + AFTER, [run_of("6.1.0-56-amd64"), run_of("7.3.4+deb13")])
    assert text == (
        BEFORE + "\n"
        "| instructions added | 6.1, a call | 6.1, a pair | 7.3, a call | 7.3, a pair |\n"
        "| --- | ---: | ---: | ---: | ---: |\n"
        "| tracer, ftrace | 50 / 60 | - | 50 / 60 | - |\n"
        "| bpftrace, kmem | - | - / 2,988 | - | - / 2,988 |\n" + AFTER
    )


def test_a_text_without_that_table_is_an_error() -> None:
    with pytest.raises(LabError, match=r"README\.md has no table"):
        with_costs(BEFORE, [run_of("6.1.0")])


def test_the_document_of_the_tree_is_made_of_the_figures_of_the_tree() -> None:
    assert (TREE / DOCUMENT).read_text() == document(read_runs(TREE / RECORD))


def test_readme_has_the_figures_of_the_document() -> None:
    text = (TREE / README).read_text()
    assert with_costs(text, read_runs(TREE / RECORD)) == text
