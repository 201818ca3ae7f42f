"""The files that make up the source tree, whatever else lies in its folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tracer_lab.commands import run


def tree_files(tree: Path, *patterns: str) -> list[str]:
    """The files of the tree that match, relative to it: tracked, or new and not ignored."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = set(run(listed, cwd=tree).splitlines())
    return sorted(name for name in names if (tree / name).is_file())


def copy_tree_files(tree: Path, target: Path) -> None:
    """Copy the files of the tree into the folder ``target``, which is made if need be.

    Modes become 0755 or 0644: what the archives record must not hang on the umask of a user.
    """
    for name in tree_files(tree):
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tree / name, copy)
        copy.chmod(0o755 if os.access(tree / name, os.X_OK) else 0o644)


def make_tree(tree: Path, target: Path) -> None:
    """Make ``target`` a tree of its own with the files of ``tree``, to be changed and built."""
    copy_tree_files(tree, target)
    run(["git", "init", "--quiet"], cwd=target)  # tells which of its files are the tree's
