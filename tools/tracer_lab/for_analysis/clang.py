"""Called by kbuild as its checker, in a root of an analysis: clang with the flags meant for gcc.

usage: clang.py COMMAND... -- FLAGS... FILE

Runs COMMAND with those of the flags that say what the code means, then FILE. The others are about
the code that comes out, and clang refuses those that it does not know.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

WITH_A_WORD = ("-include", "-isystem")
PREFIXES = ("-D", "-I", "-U", "-std=", "-fms-")
KEPT = (
    *("-m64", "-nostdinc", "-fno-PIE", "-fno-common", "-fno-strict-aliasing"),
    *("-fshort-wchar", "-funsigned-char"),
)


def meaning(flags: Sequence[str]) -> Iterator[str]:
    """The flags that say what the code means, in their order."""
    words = iter(flags)
    for word in words:
        if word in WITH_A_WORD:
            yield word
            yield next(words)
        elif word in KEPT or word.startswith(PREFIXES):
            yield word


def main() -> None:
    """Become clang."""
    split = sys.argv.index("--")
    program, *options = sys.argv[1:split]
    *flags, file = sys.argv[split + 1 :]
    # The options come last: a header among them needs those that every file of the kernel gets.
    os.execvp(program, [program, *meaning(flags), *options, file])  # noqa: S606 -- no shell needed


if __name__ == "__main__":
    main()
