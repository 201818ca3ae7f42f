"""Every check that reads the tree without running it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tracer_lab.cache import cache_dir, key_of, made_once
from tracer_lab.commands import as_root, run
from tracer_lab.roots import log_of, make_root
from tracer_lab.suites import suite_named
from tracer_lab.tree import tree_files

# The kernel's headers packages leave checkpatch out; this package of its source has it.
SOURCE_PACKAGE = "linux-source-6.1"
SOURCE_SUITE = "bookworm"
CHECKPATCH_FILES = ("checkpatch.pl", "spelling.txt", "const_structs.checkpatch")

USER_PROGRAMS = ("tests/guest/ioctl32/ioctl32.c",)
SHELL = (
    *("bootstrap", ".ci/run", "*.sh", "debian/*.p*inst", "debian/*.p*rm"),
    *("debian/tests/guest-suite", "dkms/dkms.conf", "dkms/post-install"),
    "tools/tracer_lab/for_virtme/*",
)
COMPAT = "src/tracer/compat.h"  # the one file that may look at the kernel's version
MAY_COMPARE_VERSIONS = ("--ignore", "LINUX_VERSION_CODE,CONSTANT_COMPARISON")


@dataclass(frozen=True)
class Lint:
    """One check: fails if its command does."""

    name: str
    command: Sequence[str]


def lints(tree: Path) -> Iterator[Lint]:
    """The checks of the tree, quick ones first."""
    c_files = tree_files(tree, "*.c", "*.h")
    shell = tree_files(tree, *SHELL)
    python = [sys.executable, "-m"]
    yield Lint("ruff", [*python, "ruff", "check", "--quiet", "."])
    yield Lint("ruff format", [*python, "ruff", "format", "--check", "--quiet", "."])
    yield Lint("mypy --strict", [*python, "mypy", "--strict"])
    yield Lint("shellcheck", ["shellcheck", *shell])
    yield Lint("clang-format", ["clang-format", "--dry-run", "-Werror", *c_files])
    checkpatch = ["perl", str(ensure_checkpatch() / "checkpatch.pl"), "--quiet", "--file"]
    kernel_code = [name for name in c_files if name not in (COMPAT, *USER_PROGRAMS)]
    yield Lint("checkpatch", [*checkpatch, *kernel_code])
    yield Lint("checkpatch of compat.h", [*checkpatch, *MAY_COMPARE_VERSIONS, COMPAT])


def ensure_checkpatch() -> Path:
    """A folder with the kernel's checkpatch.pl, taken out of Debian's package of its source."""

    def make(target: Path) -> None:
        unpacked = target.with_name("kernel-source.unfinished")
        suite = suite_named(SOURCE_SUITE)
        only_unpacked = ["--variant=extract", f"--include={SOURCE_PACKAGE}"]
        make_root(unpacked, suite, suite.archives, only_unpacked, log_of("checkpatch"))
        target.mkdir()
        archive = unpacked / "usr" / "src" / f"{SOURCE_PACKAGE}.tar.xz"
        members = [f"{SOURCE_PACKAGE}/scripts/{name}" for name in CHECKPATCH_FILES]
        strip = ["--strip-components=2", f"--directory={target}"]
        run(["tar", "--extract", f"--file={archive}", *strip, *members])
        run(as_root(["rm", "-rf", str(unpacked)]))

    return made_once(cache_dir() / f"checkpatch-{key_of(SOURCE_PACKAGE)}", make)
