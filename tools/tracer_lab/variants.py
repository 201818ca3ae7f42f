"""Packages of a tree that is not this one: another version, another bound, a build that fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tracer_lab.packages import Packages, build_packages
from tracer_lab.tree import make_tree

TREE = Path(__file__).resolve().parents[2]
CHANGELOG = "debian/changelog"


def packages_of_variant(folder: Path, change: Callable[[Path], None]) -> Packages:
    """Build the packages of a copy of this tree in ``folder``, changed by ``change(copy)``.

    Raises LabError if they cannot be built.
    """
    tree = folder / "tree"
    make_tree(TREE, tree)
    change(tree)
    return build_packages(tree, tree / "dist")


def set_version(tree: Path, version: str) -> None:
    """Put an entry with that Debian version on top of the tree's changelog."""
    file = tree / CHANGELOG
    text = file.read_text(encoding="utf-8")
    newest, _, _ = text.partition("\n\n -- ")
    heading, _, _ = newest.partition("\n")
    rest_of_heading = heading.partition(")")[2]
    signed = next(line for line in text.splitlines() if line.startswith(" -- "))
    entry = f"tracer ({version}){rest_of_heading}\n\n  * A variant for tests.\n\n{signed}\n\n"
    file.write_text(entry + text, encoding="utf-8")
