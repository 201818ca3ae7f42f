"""What the lab makes once and keeps: under ~/.cache/tracer-lab, or where TRACER_LAB_CACHE says."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tracer_lab.commands import as_root, run


def cache_dir() -> Path:
    """The folder that holds everything the lab keeps, made if need be."""
    named = os.environ.get("TRACER_LAB_CACHE")
    folder = Path(named) if named else Path.home() / ".cache" / "tracer-lab"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def key_of(*facts: str, files: Iterable[Path] = ()) -> str:
    """Twelve hexadecimal digits that change with any fact, file name or file content."""
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(f"{len(fact)}:{fact}".encode())
    for file in sorted(files, key=lambda path: path.name):
        content = file.read_bytes()
        digest.update(f"{file.name}:{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Only one run at a time between here and the end of the block; a second one waits."""
    with _lock_file(name) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def shared(name: str) -> Iterator[None]:
    """Any number of runs at a time are here; nobody claims the name meanwhile."""
    with _lock_file(name) as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield


@contextmanager
def claimed(name: str) -> Iterator[bool]:
    """Whether nobody shares that name now; if so, nobody does until the end of the block."""
    with _lock_file(name) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _lock_file(name: str) -> IO[str]:
    return (cache_dir() / f"{name}.lock").open("w")


def remove_tree(folder: Path) -> None:
    """Remove a folder of the lab, whoever owns what is in it."""
    if folder.exists():
        run(as_root(["rm", "-rf", "--one-file-system", "--", str(folder)]))


def made_once(target: Path, make: Callable[[Path], None]) -> Path:
    """``target``, made by ``make`` under a temporary name if it is not there yet.

    A run that breaks off leaves no half-made target, and two runs do not make it twice.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.name):
        if not target.exists():
            unfinished = target.with_name(f"{target.name}.unfinished")
            remove_tree(unfinished)
            make(unfinished)
            run(as_root(["mv", "--no-target-directory", str(unfinished), str(target)]))
    return target
