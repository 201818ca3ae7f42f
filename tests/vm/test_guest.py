"""Every guest test, on a booted kernel with the packages installed: one test each here."""

from __future__ import annotations

import pytest

from tracer_lab.guest_suite import SuiteRun, list_tests

pytestmark = pytest.mark.vm


@pytest.mark.parametrize("guest_test", list_tests())
def test_in_guest(guest_test: str, suite_run: SuiteRun) -> None:
    outcome = suite_run.results.outcomes.get(guest_test)
    about = suite_run.about(guest_test)
    if outcome is None:
        pytest.fail(f"{guest_test}: the guest wrote no result of it\n{about}", pytrace=False)
    if outcome.outcome == "skip":
        pytest.skip(outcome.detail)
    if outcome.outcome == "fail":
        pytest.fail(f"{guest_test}\n{outcome.detail}\n{about}", pytrace=False)


def test_the_results_have_their_end_line(suite_run: SuiteRun) -> None:
    assert suite_run.results.ended, suite_run.result.output[-2000:]


def test_the_runner_says_what_its_results_say(suite_run: SuiteRun) -> None:
    assert suite_run.result.status == (1 if suite_run.results.counted("fail") else 0)


def test_the_guest_powers_off_in_order(suite_run: SuiteRun) -> None:
    assert suite_run.result.powered_off, f"console: {suite_run.result.console}"
