"""Gives the wheel what stands elsewhere in the tree: the version and the supported kernels."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from packaging.version import Version
from setuptools import setup
from setuptools.command.build_py import build_py

TREE = Path(__file__).resolve().parent
CHANGELOG = TREE / "debian" / "changelog"
SUPPORTED_KERNELS = TREE / "dkms" / "supported-kernels"

UPSTREAM = re.compile(r"(?P<release>\d+(?:\.\d+)*)(?:~(?P<pre>(?:a|alpha|b|beta|rc)\d+))?")
REVISION = re.compile(r"[A-Za-z0-9+.~]+")
HEADING = re.compile(r"[a-z0-9][a-z0-9+.-]+ \((?P<version>[^() ]+)\) .*;")


def changelog_version(changelog: Path) -> str:
    """Return the Debian version of the newest entry of a Debian changelog.

    Raises ValueError if the first line is not the heading of an entry.
    """
    first = changelog.read_text(encoding="utf-8").split("\n", 1)[0]
    heading = HEADING.match(first)
    if heading is None:
        raise ValueError(f"{changelog}: line 1 is not the heading of an entry: {first!r}")
    return heading["version"]


def pep440_version(debian: str) -> str:
    """Return the PEP 440 version of the source that a Debian version stands for.

    A Debian revision (``-1``, ``-0.1~bpo12+1``) is left out: it counts packagings of one source.
    ``~rc1``, ``~beta2`` and ``~a1`` become pre-releases. Whatever has no exact counterpart
    (an epoch, ``+git``, other uses of ``~``) raises ValueError.
    """
    upstream, dash, revision = debian.rpartition("-")
    if not dash:
        upstream = debian
    elif not REVISION.fullmatch(revision):
        raise ValueError(f"{debian!r} ends in no Debian revision")
    parts = UPSTREAM.fullmatch(upstream)
    if parts is None:
        raise ValueError(f"{debian!r} has no PEP 440 counterpart: use 1.2.3, 1.2.3~rc1 or 1.2.3-1")
    return str(Version(parts["release"] + (parts["pre"] or "")))


class BuildWithKernels(build_py):
    """Puts the bounds of the supported kernels among the package's data."""

    def run(self) -> None:
        """Build, then copy; an editable install reads the file where it stands in the tree."""
        super().run()
        if not self.editable_mode:
            package = Path(self.build_lib, "tracer_tools")
            shutil.copy(SUPPORTED_KERNELS, package / SUPPORTED_KERNELS.name)


if __name__ == "__main__":
    setup(
        version=pep440_version(changelog_version(CHANGELOG)),
        license="GPL-2.0-only",
        cmdclass={"build_py": BuildWithKernels},
    )
