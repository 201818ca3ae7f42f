"""The figures of a run: a line of JSON each, written as soon as it is known."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path


class Recorder:
    """Appends figures to a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def figure(self, work: str, state: str, values: Sequence[float], unit: str) -> None:
        """Record the median of the batches, and how far apart they are, relative to it."""
        median = statistics.median(values)
        spread = (max(values) - min(values)) / median if median else 0.0
        measured = {"work": work, "state": state, "value": median, "unit": unit}
        self._write({**measured, "batches": len(values), "spread": spread})

    def absent(self, state: str, why: str) -> None:
        """Record that a state cannot be had here, with one sentence that says why."""
        self._write({"work": "", "state": state, "absent": why})

    def _write(self, facts: dict[str, object]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(facts) + "\n")
