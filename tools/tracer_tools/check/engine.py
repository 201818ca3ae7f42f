"""How checks are made: in order, each only if what it stands on holds."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Callable

from tracer_tools.errors import TracerError
from tracer_tools.system import System


class Status(enum.Enum):
    """How a check came out."""

    PASS = "PASS"  # noqa: S105 -- no password
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"


@dataclass(frozen=True)
class Finding:
    """What a check found: one sentence of fact, and one command that mends it.

    ``command`` is empty where nothing is to be mended or no single command does;
    ``detail`` is what was seen, line by line, such as the end of a log.
    """

    status: Status
    fact: str
    command: str = ""
    detail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """A check: its stable id, what it asks, and how the answer is found.

    It is left out if one of ``needs`` failed. Without the answer of a ``decisive`` one nobody
    can say whether tracer is usable.
    """

    id: str
    question: str
    find: Callable[[System], Finding]
    needs: tuple[str, ...] = ()
    decisive: bool = False


@dataclass(frozen=True)
class Result:
    """A check and what it found."""

    check: Check
    finding: Finding

    @property
    def status(self) -> Status:
        """How the check came out."""
        return self.finding.status


class Verdict(enum.IntEnum):
    """What all results together say; the value is the exit status."""

    USABLE = 0
    NOT_USABLE = 1
    UNKNOWN = 3


def passed(fact: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(Status.PASS, fact)


def warned(fact: str, command: str = "", detail: Sequence[str] = ()) -> Finding:
    """Return a finding that tracer works, but not as it should."""
    return Finding(Status.WARN, fact, command, tuple(detail))


def failed(fact: str, command: str = "", detail: Sequence[str] = ()) -> Finding:
    """Return a finding that tracer does not work."""
    return Finding(Status.FAIL, fact, command, tuple(detail))


def skipped(fact: str, command: str = "") -> Finding:
    """Return that the check could not be made, and why."""
    return Finding(Status.SKIP, fact, command)


def examine(checks: Sequence[Check], system: System) -> Iterator[Result]:
    """Make the checks in their order and yield each result as it is known."""
    blocked: set[str] = set()
    for check in checks:
        causes = [need for need in check.needs if need in blocked]
        finding = (
            skipped(f"Not checked: {causes[0]} must pass first.") if causes else make(check, system)
        )
        if causes or finding.status is Status.FAIL:
            blocked.add(check.id)
        yield Result(check, finding)


def make(check: Check, system: System) -> Finding:
    """Make one check; what keeps it from an answer becomes a SKIP that says so."""
    try:
        return check.find(system)
    except TracerError as error:
        return skipped(f"Could not be found out: {error}.")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return skipped(f"Could not be found out: {where}{error.strerror}.")


def verdict(results: Sequence[Result], *, strict: bool) -> Verdict:
    """Return what the results say together; with `strict` a WARN counts as a FAIL."""
    bad = {Status.FAIL, Status.WARN} if strict else {Status.FAIL}
    if any(result.status in bad for result in results):
        return Verdict.NOT_USABLE
    if any(result.check.decisive and result.status is Status.SKIP for result in results):
        return Verdict.UNKNOWN
    return Verdict.USABLE
