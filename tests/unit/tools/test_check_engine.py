from __future__ import annotations

import pytest

from tracer_tools.check.checks import CHECKS
from tracer_tools.check.engine import (
    Check,
    Finding,
    Result,
    Status,
    Verdict,
    examine,
    failed,
    passed,
    skipped,
    verdict,
    warned,
)
from tracer_tools.errors import FormatError
from tracer_tools.system import System


def check(name: str, finding: Finding, *needs: str, decisive: bool = False) -> Check:
    return Check(name, "?", lambda _: finding, needs, decisive)


def statuses(machine: System, *checks: Check) -> list[str]:
    return [result.status.value for result in examine(checks, machine)]


def test_what_stands_on_a_failure_is_not_checked(machine: System) -> None:
    found = statuses(
        machine,
        check("a", failed("no")),
        check("b", passed("yes"), "a"),
        check("c", passed("yes"), "b"),
        check("d", passed("yes")),
    )
    assert found == ["FAIL", "SKIP", "SKIP", "PASS"]


@pytest.mark.parametrize("finding", [warned("hm"), skipped("cannot")])
def test_what_stands_on_a_warning_or_an_unknown_is_checked(
    machine: System, finding: Finding
) -> None:
    assert statuses(machine, check("a", finding), check("b", passed("yes"), "a"))[1] == "PASS"


def test_a_check_that_cannot_be_made_says_why(machine: System) -> None:
    def unreadable(_: System) -> Finding:
        raise PermissionError(13, "Permission denied", "/proc/secret")

    def unknown(_: System) -> Finding:
        raise FormatError("line 7: what is this?")

    facts = [
        r.finding for r in examine([Check("a", "?", unreadable), Check("b", "?", unknown)], machine)
    ]
    assert [finding.status for finding in facts] == [Status.SKIP, Status.SKIP]
    assert "/proc/secret: Permission denied" in facts[0].fact
    assert "line 7: what is this?" in facts[1].fact


@pytest.mark.parametrize(
    ("findings", "strict", "expected"),
    [
        ([passed("a"), skipped("b")], False, Verdict.USABLE),
        ([passed("a"), warned("b")], False, Verdict.USABLE),
        ([passed("a"), warned("b")], True, Verdict.NOT_USABLE),
        ([failed("a"), passed("b")], False, Verdict.NOT_USABLE),
    ],
)
def test_the_verdict(findings: list[Finding], *, strict: bool, expected: Verdict) -> None:
    results = [Result(check("a", finding), finding) for finding in findings]
    assert verdict(results, strict=strict) is expected


def test_without_a_decisive_answer_nobody_knows() -> None:
    unknown = skipped("cannot")
    decisive = Result(check("a", unknown, decisive=True), unknown)
    broken = failed("no")
    assert verdict([decisive], strict=False) is Verdict.UNKNOWN
    assert (
        verdict([decisive, Result(check("b", broken), broken)], strict=False) is Verdict.NOT_USABLE
    )


def test_checks_have_their_own_ids_and_stand_on_earlier_ones() -> None:
    seen: set[str] = set()
    for each in CHECKS:
        assert each.id not in seen
        assert seen.issuperset(each.needs)
        seen.add(each.id)
