"""Judging what a guest said of its tests and of its kernel: a pass needs all in order."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tracer_lab.booted import judged
from tracer_lab.errors import LabError
from tracer_lab.facts import KernelFacts, parse_facts
from tracer_lab.guest_suite import SuiteRun
from tracer_lab.reports import Finding, Verdict
from tracer_lab.results import Outcome, Results
from tracer_lab.vm import GuestResult

LOG = Path("/logs/matrix-trixie.log")
FACTS = {
    "release": "6.12.1-amd64",
    "version": "Linux version 6.12.1-amd64 (d@l.d.o) (x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) "
    "14.2.0, GNU ld (GNU Binutils for Debian) 2.44) #1 SMP",
    "dkms": "3.2.2-1",
    "probes": [["kmalloc", "__kmalloc_noprof"], ["kfree", "kfree"], ["kmalloc", "kmalloc_large"]],
}


def suite_run(*outcomes: str, status: int | None = None) -> SuiteRun:
    """A run whose tests ended so, and in which all else is in order."""
    tests = [
        Outcome(f"t.T.test_{number}", outcome, 1.0, "1 != 2" if outcome == "fail" else "no IPv6")
        for number, outcome in enumerate(outcomes)
    ]
    status = (1 if "fail" in outcomes else 0) if status is None else status
    result = GuestResult(
        status, "the output", powered_off=True, console=LOG, kernel="6.12.1-amd64", seconds=60.0
    )
    results = Results({test.test: test for test in tests}, ended=True)
    return SuiteRun([test.test for test in tests], result, results, json.dumps(FACTS))


def test_a_run_with_nothing_amiss_is_a_pass() -> None:
    cell = judged("trixie", suite_run("pass", "skip", "pass"), LOG)
    assert (cell.verdict, cell.passed, cell.reasons) == (Verdict.PASS, 2, ())
    assert cell.skipped == (Finding("t.T.test_1", "no IPv6"),)
    assert cell.facts is not None


def test_a_failed_test_fails_the_cell_and_is_named_with_its_numbers() -> None:
    cell = judged("trixie", suite_run("pass", "fail"), LOG)
    assert (cell.verdict, cell.passed, cell.reasons) == (Verdict.FAIL, 1, ())
    assert cell.failed == (Finding("t.T.test_1", "1 != 2"),)


def without_a_result(suite: SuiteRun) -> SuiteRun:
    return replace(suite, selected=[*suite.selected, "t.T.test_silent"])


def without_the_end_line(suite: SuiteRun) -> SuiteRun:
    return replace(suite, results=replace(suite.results, ended=False))


def without_a_power_off(suite: SuiteRun) -> SuiteRun:
    return replace(suite, result=replace(suite.result, powered_off=False))


def with_a_status_of_failure(suite: SuiteRun) -> SuiteRun:
    return replace(suite, result=replace(suite.result, status=1))


def with_a_leak(suite: SuiteRun) -> SuiteRun:
    return replace(suite, sanitizers="unreferenced object 0xffff888 (size 64):\nend\n")


def with_sanitizers_that_nobody_asked(suite: SuiteRun) -> SuiteRun:
    return replace(suite, sanitizers="")


def without_facts(suite: SuiteRun) -> SuiteRun:
    return replace(suite, facts="")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without_a_result, "no result of 1 tests, the first of them t.T.test_silent"),
        (without_the_end_line, "no end line"),
        (without_a_power_off, "did not power off"),
        (with_a_status_of_failure, "0 tests failed, but the exit status of the runner is 1"),
        (with_a_leak, "the kernel's sanitizers: unreferenced object 0xffff888 (size 64):"),
        (with_sanitizers_that_nobody_asked, "the sanitizers were not asked to the end"),
        (without_facts, "facts of the kernel: not JSON"),
    ],
)
def test_whatever_is_not_in_order_fails_the_cell(
    change: Callable[[SuiteRun], SuiteRun], reason: str
) -> None:
    cell = judged("trixie", change(suite_run("pass")), LOG)
    assert cell.verdict is Verdict.FAIL
    (said,) = cell.reasons
    assert reason in said


def test_sanitizers_that_found_nothing_are_in_order() -> None:
    cell = judged("sanitizer-6.1", replace(suite_run("pass"), sanitizers="end\n"), LOG)
    assert (cell.verdict, cell.reasons) == (Verdict.PASS, ())


def test_failed_tests_with_an_exit_status_of_success_are_a_fault_too() -> None:
    (said,) = judged("trixie", suite_run("fail", status=0), LOG).reasons
    assert "1 tests failed, but the exit status of the runner is 0" in said


def test_a_guest_that_was_booted_twice_is_noted() -> None:
    cell = judged("trixie", suite_run("pass"), LOG, ["guest trixie was lost: /console-1"])
    assert cell.verdict is Verdict.PASS
    assert cell.notes == ("guest trixie was lost: /console-1",)


def test_the_facts_are_read_with_the_symbols_of_each_function() -> None:
    assert parse_facts(json.dumps(FACTS)) == KernelFacts(
        "6.12.1-amd64",
        "gcc 14.2.0",
        "3.2.2-1",
        {"kmalloc": ("__kmalloc_noprof", "kmalloc_large"), "kfree": ("kfree",)},
    )


@pytest.mark.parametrize(
    ("compiler", "named"),
    [
        ("gcc-10 (Debian 10.2.1-6) 10.2.1 20210110, GNU ld", "gcc 10.2.1"),
        ("x86_64-linux-gnu-gcc-16 (Debian 16.1.0-4) 16.1.0, GNU ld", "gcc 16.1.0"),
    ],
)
def test_the_compiler_is_found_as_each_suite_writes_it(compiler: str, named: str) -> None:
    facts = {**FACTS, "version": f"Linux version 6.1 (d@l.d.o) ({compiler} (GNU) 2) #1 SMP"}
    assert parse_facts(json.dumps(facts)).compiler == named


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        json.dumps({"release": "6.1"}),
        json.dumps({**FACTS, "version": "Linux"}),
        json.dumps({**FACTS, "probes": [["kmalloc"]]}),
    ],
)
def test_facts_of_another_form_are_an_error(text: str) -> None:
    with pytest.raises(LabError, match="facts of the kernel: "):
        parse_facts(text)
