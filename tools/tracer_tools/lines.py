"""Lines, words and numbers as the kernel and its commands write them, read strictly."""

from __future__ import annotations

import re

from tracer_tools.errors import FormatError

# str.split() and str.splitlines() also part text at characters that only garbled text has.
WORD = re.compile(r"[^ ]+")
UNSIGNED = re.compile(r"0|[1-9][0-9]{0,19}")
MAX_UNSIGNED = 2**64 - 1


def whole_lines(text: str, name: str) -> list[str]:
    """Return the lines of a text, which `name` names. Raises FormatError if the last is cut off."""
    *lines, rest = text.split("\n")
    if rest:
        raise FormatError(f"{name}: line {len(lines) + 1}: it is cut off: {rest!r}")
    return lines


def words(line: str) -> list[str]:
    """Return what stands between the blanks of a line."""
    return WORD.findall(line)


def unsigned(word: str) -> int | None:
    """Return the number of 64 bits that a word is; None if it is none."""
    if not UNSIGNED.fullmatch(word) or int(word) > MAX_UNSIGNED:
        return None
    return int(word)
