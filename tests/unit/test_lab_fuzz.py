"""What is made of a run of the fuzzer: which lines it reached, and the document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tracer_lab.errors import LabError
from tracer_lab.fuzz import FILES, MODULE, NOT_FOLLOWED, FuzzRun, fuzz_cells
from tracer_lab.fuzz_document import DOCUMENT, RECORD, write_fuzzed
from tracer_lab.fuzzed_lines import Line, Reached, by_file, calls_in, own_line, reached_lines
from tracer_lab.variants import TREE

RELOCATIONS = """
Relocation section '.rela.text' at offset 0x1d3908 contains 2171 entries:
    Offset             Info             Type               Symbol's Value  Symbol's Name + Addend
0000000000000001  0000012200000004 R_X86_64_PLT32         0000000000000000 __fentry__ - 4
0000000000000014  0000016900000004 R_X86_64_PLT32         0000000000000000 __sanitizer_cov_trace_pc - 4

Relocation section '.rela.init.text' at offset 0x1e0490 contains 39 entries:
0000000000000025  0000016900000004 R_X86_64_PLT32         0000000000000000 __sanitizer_cov_trace_pc - 4
"""  # noqa: E501
LINES = {
    (".text", 0x18): Line("record.c", 10, "fill"),
    (".text", 0x30): Line("record.c", 10, "fill"),
    (".text", 0x40): Line("record.c", 20, "exit_status"),
    (".init.text", 0x29): Line("main.c", 5, "tracer_init"),
}


def test_the_address_of_a_call_is_the_one_that_it_returns_to() -> None:
    assert list(calls_in(RELOCATIONS)) == [(".text", 0x18), (".init.text", 0x29)]


def test_a_line_inlined_from_the_kernel_is_that_of_who_inlines_it() -> None:
    frames = [
        *("list_del", "/usr/src/linux-headers-6.1.0-56-common/include/linux/list.h:70"),
        *("queue", "/out/src/tracer/record.c:73 (discriminator 2)"),
        *("tracer_record_end", "/out/src/tracer/record.c:99"),
    ]
    assert own_line(frames) == Line("record.c", 73, "queue")
    assert own_line(["fill.part.0", "/out/src/tracer/record.c:9"]) == Line("record.c", 9, "fill")
    assert own_line(["??", "??:0"]) == Line("?", 0)


def test_a_line_is_reached_with_one_of_its_blocks() -> None:
    # What was loaded and is gone again has no address.
    reached = reached_lines(LINES, {".text": 0x1000}, [0x1030, 0x9999])
    assert reached == {Line("record.c", 10, "fill")}
    assert by_file(LINES, reached, ["record.c"], {}) == [Reached("record.c", 2, (20,))]


def test_a_line_that_kcov_cannot_follow_is_not_counted() -> None:
    reached = {Line("record.c", 10, "fill")}
    (found,) = by_file(LINES, reached, ["record.c"], {"exit_status", "fill"})
    assert found == Reached("record.c", 1, (), (20,))


def test_a_line_of_two_functions_is_one() -> None:
    lines = {**LINES, (".text", 0x50): Line("record.c", 10, "rcu_read_unlock")}
    (found,) = by_file(lines, {Line("record.c", 10, "fill")}, ["record.c"], {})
    assert found == Reached("record.c", 2, (20,))


def test_what_the_compiler_puts_aside_is_not_counted() -> None:
    lines = {**LINES, (".text.unlikely", 0x5): Line("record.c", 30, "fill")}
    (found,) = by_file(lines, set(), ["record.c"], {})
    assert found == Reached("record.c", 2, (10, 20), (30,))


def test_what_kcov_cannot_follow_is_there() -> None:
    source = "".join((TREE / MODULE / name).read_text() for name in FILES)
    assert [name for name in NOT_FOLLOWED if f" {name}(" not in source] == []


def test_the_files_that_count_are_those_of_the_module() -> None:
    assert [name for name in FILES if not (TREE / MODULE / name).exists()] == []


def test_a_kernel_without_kcov_is_not_fuzzed_so() -> None:
    assert [cell.name for cell in fuzz_cells("")] == ["sanitizer-6.1", "sanitizer-7.3"]
    with pytest.raises(LabError, match="no kernel with KCOV"):
        fuzz_cells("sanitizer-kcsan*")


def run_of(cell: str, calls: int) -> FuzzRun:
    """Give a run that made so many calls."""
    kinds = {"ADD_PROCESS": {"calls": calls, "errnos": {"0": calls - 1, "22": 1}}}
    numbers = {"programs": 3, "workers": 2, "seed": 1, "kept": 1, "records": 4, "rows": 5}
    did = {"calls": calls, "kinds": kinds, **numbers}
    return FuzzRun(cell, "6.1.0", "2026-11-23", "abc", did, (Reached("tree.c", 10, (1,)),), (), 60)


def test_a_run_takes_the_place_of_the_one_before_on_its_kernel(tmp_path: Path) -> None:
    source = tmp_path / "src" / "tracer"
    source.mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (source / "tree.c").write_text("\tfirst(line);\n")
    write_fuzzed(tmp_path, [run_of("one", 7), run_of("other", 8)])
    write_fuzzed(tmp_path, [run_of("one", 1009)])
    kept = json.loads((tmp_path / RECORD).read_text())
    assert [(run["cell"], run["did"]["calls"]) for run in kept] == [("other", 8), ("one", 1009)]
    text = (tmp_path / DOCUMENT).read_text()
    assert "1,009 calls" in text
    assert "OK 1,008, EINVAL 1" in text
    assert "tree.c:1 | `first(line);`" in text
    assert "| all | 10 | 9 | 90.0% |" in text
