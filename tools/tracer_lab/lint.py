"""Every check that reads the tree without running it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tracer_lab.kernel_files import ensure_kernel_files
from tracer_lab.suites import suite_named
from tracer_lab.tree import tree_files

# The kernel's headers packages leave checkpatch out; this package of its source has it.
SOURCE_PACKAGE = "linux-source-6.1"
SOURCE_SUITE = "bookworm"
CHECKPATCH_FILES = (
    "scripts/checkpatch.pl",  # which looks for the others beside it
    "scripts/spelling.txt",
    "scripts/const_structs.checkpatch",
)

USER_PROGRAMS = ("tests/guest/ioctl32/", "tests/guest/fuzzer/", "tests/guest/fail_nth/")
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
    scripts = ensure_kernel_files(suite_named(SOURCE_SUITE), SOURCE_PACKAGE, CHECKPATCH_FILES)
    checkpatch = ["perl", str(scripts / CHECKPATCH_FILES[0]), "--quiet", "--file"]
    kernel_code = [
        name for name in c_files if name != COMPAT and not name.startswith(USER_PROGRAMS)
    ]
    yield Lint("checkpatch", [*checkpatch, *kernel_code])
    yield Lint("checkpatch of compat.h", [*checkpatch, *MAY_COMPARE_VERSIONS, COMPAT])
