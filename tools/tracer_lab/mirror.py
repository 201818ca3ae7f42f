"""Where Debian packages come from: the mirror that this machine's own apt uses."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from tracer_lab.commands import run
from tracer_lab.errors import LabError

FIELDS = ("REPO_URI", "LABEL", "ORIGIN")
MAIN_LABEL = "Debian"
SECURITY_LABEL = "Debian-Security"


@dataclass(frozen=True)
class Mirror:
    """Addresses of the main archive and, where apt has it, of the security archive."""

    main: str
    security: str | None


def parse_indextargets(text: str) -> Mirror | None:
    """The mirror in what ``apt-get indextargets`` printed with FIELDS, if it has one.

    The first source of each archive counts, and no CD-ROM does. None without Debian's main
    archive, as on another distribution. Raises LabError for a line of another form.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        parts = line.split("|")
        if len(parts) != len(FIELDS):
            raise LabError(f"apt-get indextargets printed a line of an unknown form: {line!r}")
        uri, label, origin = parts
        if origin == "Debian" and not uri.startswith("cdrom:"):
            found.setdefault(label, uri.rstrip("/"))
    if MAIN_LABEL not in found:
        return None
    return Mirror(main=found[MAIN_LABEL], security=found.get(SECURITY_LABEL))


def host_mirror() -> Mirror | None:
    """The mirror of this machine's apt; None where there is no apt or no Debian in it."""
    if shutil.which("apt-get") is None:
        return None
    form = "|".join(f"$({field})" for field in FIELDS)
    return parse_indextargets(run(["apt-get", "indextargets", "--format", form]))


def sources_list(mirror: Mirror, archives: Sequence[str], security: str) -> str:
    """The sources.list of a root file system with those archive suites of the mirror."""
    lines = [f"deb {mirror.main} {archive} main" for archive in archives]
    if mirror.security is not None:
        lines.append(f"deb {mirror.security} {security} main")
    return "\n".join(lines) + "\n"
