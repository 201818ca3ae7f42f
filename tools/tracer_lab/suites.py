"""The matrix, as data: which Debian releases the lab makes root file systems of."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_lab.errors import LabError

# What a machine of a user of the packages has anyway, and what the packages depend on:
# with them in the base, installing the packages needs no network.
PACKAGES = (
    "dkms",
    "kmod",
    "linux-headers-amd64",
    "linux-image-amd64",
    "openssl",
    "python3",
    "python3-distro",
    "python3-packaging",
    "python3-rich",
    "systemd-sysv",
    "udev",
)


@dataclass(frozen=True)
class Suite:
    """A Debian release: its archive suites in order, and the packages of its base root."""

    name: str
    archives: tuple[str, ...]
    security: str
    packages: tuple[str, ...] = PACKAGES


SUITES = (
    Suite("bookworm", archives=("bookworm", "bookworm-updates"), security="bookworm-security"),
)


def suite_named(name: str) -> Suite:
    """The suite of that name; raises LabError for a name that the matrix does not have."""
    for suite in SUITES:
        if suite.name == name:
            return suite
    known = ", ".join(suite.name for suite in SUITES)
    raise LabError(f"no suite called {name}", f"the lab knows: {known}")
