"""Reading what a guest wrote of its tests: strictly, for a lost line must not look like a pass."""

from __future__ import annotations

import json

import pytest

from tracer_lab.errors import LabError
from tracer_lab.results import Outcome, parse_results


def result(test: str, outcome: str = "pass", detail: str = "") -> str:
    entry = {"test": test, "outcome": outcome, "seconds": 1.5, "detail": detail}
    return json.dumps(entry) + "\n"


def end(passed: int, failed: int = 0, skipped: int = 0) -> str:
    entry = {"end": True, "passed": passed, "failed": failed, "skipped": skipped}
    return json.dumps(entry) + "\n"


def test_each_line_is_the_outcome_of_a_test() -> None:
    results = parse_results(result("m.T.a") + result("m.T.b", "fail", "1 != 2") + end(1, 1))
    assert results.outcomes == {
        "m.T.a": Outcome("m.T.a", "pass", 1.5, ""),
        "m.T.b": Outcome("m.T.b", "fail", 1.5, "1 != 2"),
    }
    assert results.ended


def test_without_the_end_line_the_results_have_not_ended() -> None:
    assert not parse_results(result("m.T.a")).ended


def test_no_results_have_not_ended() -> None:
    results = parse_results("")
    assert not results.ended
    assert not results.outcomes


def test_a_line_that_the_guest_did_not_finish_is_left_out() -> None:
    results = parse_results(result("m.T.a") + result("m.T.b")[:-9])
    assert list(results.outcomes) == ["m.T.a"]
    assert not results.ended


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("what\n", "line 1: not JSON"),
        ("[]\n", "line 1: not an object"),
        (result("m.T.a") + '{"test": "m.T.b"}\n', "line 2: no result"),
        (result("m.T.a", "maybe"), "line 1: no result"),
        (result("m.T.a") * 2, "line 2: m.T.a a second time"),
        (result("m.T.a") + end(2), "line 2: the end line tells of"),
        (result("m.T.a") + '{"end": true}\n', "line 2: no end line"),
        (end(0) + result("m.T.a"), "line 2: something follows"),
    ],
)
def test_any_other_form_is_an_error_that_names_the_line(text: str, complaint: str) -> None:
    with pytest.raises(LabError, match=complaint):
        parse_results(text)
