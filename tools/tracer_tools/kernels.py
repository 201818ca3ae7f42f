"""Which kernels tracer supports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from tracer_tools.errors import FormatError

HERE = Path(__file__).resolve().parent
# Beside this file where the package is installed; in the source tree it is dkms that owns it.
BOUNDS_FILES = (HERE / "supported-kernels", HERE.parents[1] / "dkms" / "supported-kernels")
ASSIGNMENT = re.compile(r"(OLDEST_KERNEL|NEWEST_KERNEL)=([0-9]+\.[0-9]+)")
RELEASE = re.compile(r"([0-9]+)\.([0-9]+)(?![0-9])")


@dataclass(frozen=True)
class Bounds:
    """The oldest and the newest supported kernel series, both included."""

    oldest: Version
    newest: Version


def supported_kernels() -> Bounds:
    """Return the bounds that this version of tracer was tested with. Raises FormatError."""
    for file in BOUNDS_FILES:
        if file.exists():
            return parse_bounds(file.read_text(encoding="ascii"), str(file))
    raise FormatError(f"{BOUNDS_FILES[0]} is missing", "install tracer-tools again")


def parse_bounds(text: str, name: str) -> Bounds:
    """Return the bounds in the text of the file `name`. Raises FormatError, naming the line."""
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = ASSIGNMENT.fullmatch(line)
        if match is None:
            raise FormatError(f"{name}: line {number}: no bound: {line!r}")
        found[match[1]] = Version(match[2])
    try:
        bounds = Bounds(found["OLDEST_KERNEL"], found["NEWEST_KERNEL"])
    except KeyError as error:
        raise FormatError(f"{name}: {error.args[0]} is missing") from error
    if bounds.oldest > bounds.newest:
        raise FormatError(f"{name}: {bounds.newest}, the newest, is older than {bounds.oldest}")
    return bounds


def kernel_series(release: str) -> Version:
    """Return the series of a kernel release: 6.1 for 6.1.0-50-amd64. Raises FormatError."""
    match = RELEASE.match(release)
    if match is None:
        raise FormatError(f"{release!r} is no kernel release")
    return Version(f"{match[1]}.{match[2]}")
