"""The Debian suites that the lab makes root file systems of, as data."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_lab.errors import LabError


@dataclass(frozen=True)
class Suite:
    """A Debian release, its archive suites in order, and what is particular about it."""

    name: str
    archives: tuple[str, ...]
    security: str
    # A testing suite is often mirrored late: its Release file may be past its Valid-Until.
    check_valid_until: bool = True


SUITES = (
    Suite("bullseye", ("bullseye", "bullseye-updates"), "bullseye-security"),
    Suite("bookworm", ("bookworm", "bookworm-updates"), "bookworm-security"),
    Suite("trixie", ("trixie", "trixie-updates"), "trixie-security"),
    Suite("forky", ("forky", "forky-updates"), "forky-security", check_valid_until=False),
)


def suite_named(name: str) -> Suite:
    """The suite of that name; raises LabError for a name that the lab does not have."""
    for suite in SUITES:
        if suite.name == name:
            return suite
    known = ", ".join(suite.name for suite in SUITES)
    raise LabError(f"no suite called {name}", f"the lab knows: {known}")
