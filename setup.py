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

# [EPOCH:]UPSTREAM[-REVISION]: deb-version(7). The epoch and the revision are of the packaging.
DEBIAN = re.compile(
    r"(?:\d+:)?(?P<upstream>\d[A-Za-z0-9.+~-]*?)(?:-[A-Za-z0-9+.~]+)?", flags=re.ASCII
)
UPSTREAM = re.compile(
    r"(?P<release>\d+(?:\.\d+)*)"
    r"(?:~(?P<phase>a|alpha|b|beta|rc|pre|dev)(?P<number>\d*)(?![A-Za-z0-9]))?"
    r"(?P<sign>[~+]?)(?P<rest>[A-Za-z0-9.+~]*)",
    flags=re.ASCII,
)
# What Debian calls builds of a version for another of its releases: 1.2~bpo12+1, 1.2~deb12u1.
REBUILD = re.compile(r"(bpo|deb)\d.*")
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

    An epoch and a Debian revision (``-1``) are left out: they count packagings of one source.
    ``~rc1``, ``~beta2`` and ``~dev3`` become pre-releases, and any other suffix with ``~`` a
    development release before the one that it is named after: ``1.2~git1`` gives
    ``1.2.dev0+git1``. A build for another Debian release (``~bpo12+1``) and a suffix with ``+``
    become a local version: ``1.2+bpo12.1``. Raises ValueError for what is none of these.
    """
    version = DEBIAN.fullmatch(debian)
    parts = version and UPSTREAM.fullmatch(version["upstream"])
    words = re.findall("[A-Za-z0-9]+", parts["rest"]) if parts else []
    if not parts or bool(parts["sign"]) != bool(words):
        raise ValueError(f"{debian!r} is no Debian version of the form 1.2.3, 1.2.3~rc1 or 1.2.3-1")
    python: str = parts["release"]
    if parts["phase"]:
        python += f".{parts['phase']}{parts['number'] or 0}"
    elif parts["sign"] == "~" and not REBUILD.fullmatch(parts["rest"]):
        python += ".dev0"
    if words:
        python += "+" + ".".join(words)
    return str(Version(python))


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
