"""Which lines of the module a fuzzer reached: from addresses that KCOV gave.

The compiler puts a call at the head of each block of instructions; KCOV writes down where that
call returns to. So a line here is one at which a block begins, and it counts as reached if one of
the blocks that begin there was.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tracer_lab.commands import run

CALLED = "__sanitizer_cov_trace_pc"
# Where the compiler puts what it holds for never run: what UBSAN's reports begin with. And what it
# adds of its own: KASAN's constructors and destructors.
ASIDE = frozenset({".text.unlikely", ".text.startup", ".text.exit"})
AFTER = 4  # bytes from the relocation of a call to where it returns
OF_SECTION = re.compile(r"^Relocation section '\.rela(\S+)'")
OF_CALL = re.compile(rf"^([0-9a-f]+) .* {CALLED} - {AFTER:x}$")
PLACE = re.compile(r"/src/tracer/([^/\s]+):(\d+)(?: \(discriminator \d+\))?$")


@dataclass(frozen=True)
class Line:
    """A line of the module's source at which a block begins."""

    file: str  # its name, without folders
    number: int
    function: str = ""  # that it is in


@dataclass(frozen=True)
class Reached:
    """What was reached of one file."""

    file: str
    lines: int  # at which blocks begin, and which KCOV can follow
    missed: tuple[int, ...]  # those of them that were not reached
    others: tuple[int, ...] = ()  # which it cannot follow, and were not reached


def calls_in(relocations: str) -> Iterator[tuple[str, int]]:
    """The section and the return address in it of each call, as `readelf -rW` shows them."""
    section = ""
    for text in relocations.splitlines():
        if found := OF_SECTION.match(text):
            section = found[1]
        elif found := OF_CALL.match(text):
            yield section, int(found[1], 16) + AFTER


def lines_of(module: Path) -> dict[tuple[str, int], Line]:
    """The line of each call in a module that was compiled with `-g`."""
    in_section: dict[str, list[int]] = defaultdict(list)
    for section, address in calls_in(run(["readelf", "--relocs", "--wide", str(module)])):
        in_section[section].append(address)
    lines = {}
    for section, addresses in in_section.items():
        for address, line in zip(addresses, _places(module, section, addresses)):
            lines[section, address] = line
    return lines


def _places(module: Path, section: str, addresses: Sequence[int]) -> Iterator[Line]:
    command = ["addr2line", "--exe", str(module), "--section", section]
    command += ["--inlines", "--addresses", "--functions"]
    # The call itself, not what follows it.
    asked = "".join(f"{address - 1:#x}\n" for address in addresses)
    for said in re.split(r"^0x[0-9a-f]+\n", run(command, stdin=asked), flags=re.MULTILINE)[1:]:
        yield own_line(said.splitlines())


def own_line(frames: Sequence[str]) -> Line:
    """The innermost line of the module: what it inlines of the kernel's headers is not its own.

    ``frames`` has two lines of text for each, the function and the place.
    """
    for function, place in zip(frames[::2], frames[1::2]):
        if found := PLACE.search(place):
            # The compiler splits functions, and names a part name.part.0.
            return Line(found[1], int(found[2]), function.partition(".")[0])
    return Line("?", 0)


def reached_lines(
    lines: Mapping[tuple[str, int], Line], sections: Mapping[str, int], addresses: Sequence[int]
) -> set[Line]:
    """The lines of the addresses that were reached, the module's sections being loaded there."""
    known = {
        sections[section] + at: line for (section, at), line in lines.items() if section in sections
    }
    return {known[address] for address in addresses if address in known}


def by_file(
    lines: Mapping[tuple[str, int], Line],
    reached: set[Line],
    files: Sequence[str],
    not_followed: Collection[str],
) -> list[Reached]:
    """What was reached of each of those files, in this order.

    Those functions are some that KCOV cannot follow.
    """
    found = []
    for file in files:
        of_file = {line for line in lines.values() if line.file == file}
        # A line whose blocks are of several functions, by what is inlined, is still one.
        left = numbers_of(of_file) - numbers_of(line for line in reached if line.file == file)
        followed = {
            line
            for (section, _), line in lines.items()
            if line.file == file and section not in ASIDE and line.function not in not_followed
        }
        missed = left & numbers_of(followed)
        others = left - missed
        count = len(numbers_of(of_file) - others)
        found.append(Reached(file, count, tuple(sorted(missed)), tuple(sorted(others))))
    return found


def numbers_of(lines: Iterable[Line]) -> set[int]:
    """Give their numbers."""
    return {line.number for line in lines}
