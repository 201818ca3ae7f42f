"""The files of the module on a system: the very ones that the package tracer-dkms installs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tracer_lab.errors import LabError

# The one list of what goes where is that of the package.
LISTED = "debian/tracer-dkms.install"
VERSION_VARIABLE = "${env:DEB_VERSION_UPSTREAM}"
# What debian/rules puts in their places.
VERSION_MARK = "#MODULE_VERSION#"
KERNELS_MARK = "#SUPPORTED_KERNELS#\n"
HEADING = re.compile(r"tracer \((?:\d+:)?(?P<upstream>[^() ]+?)(?:-[A-Za-z0-9+.~]+)?\) ")
LEFT_BY_BUILDS = ("*.mod.c",)


@dataclass(frozen=True)
class File:
    """A file as it is to be on a system."""

    content: bytes
    mode: int = 0o644


def module_version(tree: Path) -> str:
    """The version that dkms knows the module of the tree by: Debian's without its revision.

    Raises LabError if debian/changelog does not begin with one.
    """
    first = _read(tree / "debian" / "changelog").partition("\n")[0]
    heading = HEADING.match(first)
    if heading is None:
        raise LabError(f"debian/changelog: line 1: no version of tracer: {first!r}")
    return heading["upstream"]


def source_folder(version: str) -> str:
    """Where dkms looks for the source of that version."""
    return f"/usr/src/tracer-{version}"


def layout(tree: Path) -> dict[str, File]:
    """Each file, by its absolute name on the system.

    Raises LabError if the tree lacks one of them or its lists are not understood.
    """
    version = module_version(tree)
    # dkms.conf is first, so that whatever breaks off the others shows whose folder it is.
    files = {f"{source_folder(version)}/dkms.conf": File(_dkms_conf(tree, version).encode())}
    files.update(_listed_files(tree, version))
    return files


def _listed_files(tree: Path, version: str) -> Iterator[tuple[str, File]]:
    """What the package's list names: each line is sources, relative to the tree, and a folder."""
    for number, line in enumerate(_read(tree / LISTED).splitlines(), start=1):
        words = line.replace(VERSION_VARIABLE, version).split()
        if not words or words[0].startswith("#"):
            continue
        *sources, folder = words
        if not sources or "$" in line.replace(VERSION_VARIABLE, ""):
            raise LabError(f"{LISTED}: line {number}: not understood: {line!r}")
        for pattern in sources:
            found = sorted(tree.glob(pattern))
            if not found:
                raise LabError(f"{LISTED}: line {number}: the tree has no {pattern}")
            for source in found:
                yield from _files_of(source, f"/{folder.strip('/')}")


def _files_of(source: Path, folder: str) -> Iterator[tuple[str, File]]:
    """A file, or all those of a folder, below the folder that it goes to."""
    files = [source] if source.is_file() else sorted(filter(Path.is_file, source.rglob("*")))
    for file in files:
        if not any(file.match(pattern) for pattern in LEFT_BY_BUILDS):
            mode = 0o755 if os.access(file, os.X_OK) else 0o644
            yield f"{folder}/{file.relative_to(source.parent)}", File(file.read_bytes(), mode)


def _dkms_conf(tree: Path, version: str) -> str:
    """The dkms.conf that needs no other file."""
    conf = _read(tree / "dkms" / "dkms.conf")
    if KERNELS_MARK not in conf or VERSION_MARK not in conf:
        raise LabError("dkms/dkms.conf: the marks for the version and the kernels are not there")
    bounds = _read(tree / "dkms" / "supported-kernels")
    return conf.replace(KERNELS_MARK, bounds).replace(VERSION_MARK, version)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise LabError(f"{file}: {error.strerror}", "get the whole source tree") from error
