"""A second build of the packages, under other circumstances: it has to give the same files."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from tracer_lab.commands import run
from tracer_lab.packages import Packages
from tracer_lab.roots import log_of
from tracer_lab.tree import make_tree

# Of another user: the time of the build, where on earth, the language, the modes of new files.
LATER = ("faketime", "+400 days +5 hours")
ELSEWHERE = ("env", "TZ=Pacific/Chatham", "LC_ALL=C", "LANG=tr_TR.UTF-8", "HOME=/nonexistent")
UMASK = 'umask 0077; exec "$@"'
# .buildinfo is there to record what may differ: when, where, and with which packages it was
# built. .changes has its checksum.
RECORDS_OF_A_BUILD = (".buildinfo", ".changes")


def rebuild(tree: Path, folder: Path) -> Packages:
    """Build the packages of a copy of the tree in ``folder``, with ``invoke package``.

    Raises LabError if that fails.
    """
    copy = folder / "elsewhere"
    make_tree(tree, copy)
    invoke = [sys.executable, "-m", "invoke", "package"]
    # The lab's cache is in the home folder of this user.
    kept = f"TRACER_LAB_CACHE={folder / 'cache'}"
    run(
        [*ELSEWHERE, kept, *LATER, "sh", "-c", UMASK, "sh", *invoke],
        cwd=copy,
        log=log_of("rebuild"),
    )
    built = (file for file in (copy / "dist").iterdir() if not file.name.startswith("."))
    return Packages(tuple(sorted(file for file in built if file.is_file())))


def hashes(packages: Packages) -> dict[str, str]:
    """The SHA-256 of each file that is to be the same in every build, by name."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(packages.files)
        if file.suffix not in RECORDS_OF_A_BUILD
    }


def difference(one: Packages, other: Packages) -> str:
    """What diffoscope says of the files that are not the same; empty if all are."""
    first, second = hashes(one), hashes(other)
    differing = [name for name in first if second.get(name, first[name]) != first[name]]
    folders = [packages.changes.parent for packages in (one, other)]
    told = [_diffoscope(*(folder / name for folder in folders)) for name in differing]
    lonely = sorted(first.keys() ^ second.keys())
    return "\n".join([*(f"only one build made {name}" for name in lonely), *told])


def _diffoscope(one: Path, other: Path) -> str:
    """Diffoscope says with status 1 that it found something."""
    script = 'diffoscope --max-text-report-size=5000 "$@" || [ $? = 1 ]'
    return run(["sh", "-c", script, "sh", os.fspath(one), os.fspath(other)])
