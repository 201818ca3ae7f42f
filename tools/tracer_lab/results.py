"""The results file of the guest tests: one JSON object a line, written as each test ends."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tracer_lab.errors import LabError

OUTCOMES = ("pass", "fail", "skip")
RESULT_KEYS = {"test", "outcome", "seconds", "detail"}
END_KEYS = {"end", "passed", "failed", "skipped"}


@dataclass(frozen=True)
class Outcome:
    """How one guest test went."""

    test: str
    outcome: str  # one of OUTCOMES
    seconds: float
    detail: str  # why it failed or was skipped


@dataclass(frozen=True)
class Results:
    """All that a guest said of its tests."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    ended: bool = False  # the last line was there, and its numbers agreed

    def counted(self, outcome: str) -> int:
        """How many tests ended that way."""
        return sum(one.outcome == outcome for one in self.outcomes.values())


def parse_results(text: str) -> Results:
    """Read a results file.

    A last line without its newline is one that the guest did not live to finish: it is left
    out, and the results have not ended. Raises LabError, naming the line, for any other form.
    """
    outcomes: dict[str, Outcome] = {}
    ended = False
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if not line.endswith("\n"):
            break
        if ended:
            raise LabError(f"results, line {number}: something follows the end line")
        entry = _json_object(number, line)
        if "end" in entry:
            _check_end(number, entry, outcomes)
            ended = True
            continue
        outcome = _outcome(number, entry)
        if outcome.test in outcomes:
            raise LabError(f"results, line {number}: {outcome.test} a second time")
        outcomes[outcome.test] = outcome
    return Results(outcomes, ended)


def _json_object(number: int, line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise LabError(f"results, line {number}: not JSON: {line.rstrip()!r}") from error
    if not isinstance(entry, dict):
        raise LabError(f"results, line {number}: not an object: {line.rstrip()!r}")
    return entry


def _outcome(number: int, entry: dict[str, Any]) -> Outcome:
    if set(entry) != RESULT_KEYS or entry["outcome"] not in OUTCOMES:
        raise LabError(f"results, line {number}: no result of a test: {entry}")
    return Outcome(
        test=str(entry["test"]),
        outcome=entry["outcome"],
        seconds=float(entry["seconds"]),
        detail=str(entry["detail"]),
    )


def _check_end(number: int, entry: dict[str, Any], outcomes: dict[str, Outcome]) -> None:
    if set(entry) != END_KEYS:
        raise LabError(f"results, line {number}: no end line: {entry}")
    told = [entry["passed"], entry["failed"], entry["skipped"]]
    seen = Results(outcomes)
    counted = [seen.counted(outcome) for outcome in OUTCOMES]
    if told != counted:
        raise LabError(
            f"results, line {number}: the end line tells of {told} passed, failed and skipped "
            f"tests, but {counted} are there"
        )
