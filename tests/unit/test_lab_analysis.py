"""Static analysis: what checkers print, and what it comes to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer_lab import analysis
from tracer_lab.analysis import (
    ANALYSES,
    FOUND_BY,
    TOOLS,
    Analysis,
    Finding,
    Workplace,
    files_read,
    findings,
    findings_in,
    planted,
)
from tracer_lab.errors import LabError
from tracer_lab.for_analysis.clang import meaning

FAULTS = (TOOLS / "faults.c").read_text(encoding="utf-8")

SPARSE = """\
make: Entering directory '/usr/src/linux-headers-7.2.12+deb14-amd64'
  CC [M]  main.o
  CHECK   main.c
main.c:19:17: warning: dereference of noderef expression
  CHECK   report.c
"""

COCCINELLE = """\
/usr/bin/spatch -D report --very-quiet --cocci-file /out/kernel/scripts/coccinelle/x.cocci --dir .
warning: line 140: should noop_llseek be a metavariable?
./probe.c:198:6-36: opportunity for str_yes_no(probe -> engine -> is_armed ( probe ))
/out/tracer/compat.h:27:8-9: ERROR: reference preceded by free on line 49
"""

CLANG = """\
  CHECK   report.c
report.c:247:2: warning: Null pointer passed as 1st argument to memory set function [unix.cstring]
  247 |         memset(line, ' ', LONGEST_LINE);
      |         ^      ~~~~
report.c:240:6: note: Assuming 'v' is not equal to SEQ_START_TOKEN
/usr/src/linux-headers-7.2.12+deb14-common/include/linux/seq_file.h:65:9: note: Assuming field
1 warning generated.
"""

GCC = """\
  CC [M]  report.o
In function 'fortify_memset_chk',
    inlined from 'report_show' at report.c:247:2:
/usr/src/linux-headers/include/linux/fortify-string.h:111:33: warning: use of NULL [CWE-476]
  'report_show': events 1-3
report.c:217:23: warning: dereference of NULL 'at' [CWE-476] [-Wanalyzer-null-dereference]
"""


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        (SPARSE, [Finding("main.c", 19, "warning: dereference of noderef expression")]),
        (
            COCCINELLE,
            [
                Finding(
                    "probe.c",
                    198,
                    "opportunity for str_yes_no(probe -> engine -> is_armed ( probe ))",
                ),
                Finding("compat.h", 27, "ERROR: reference preceded by free on line 49"),
            ],
        ),
        (
            CLANG,
            [
                Finding(
                    "report.c",
                    247,
                    "warning: Null pointer passed as 1st argument to memory set function "
                    "[unix.cstring]",
                )
            ],
        ),
        (
            GCC,
            [
                Finding(
                    "/usr/src/linux-headers/include/linux/fortify-string.h",
                    111,
                    "warning: use of NULL [CWE-476]",
                ),
                Finding(
                    "report.c",
                    217,
                    "warning: dereference of NULL 'at' [CWE-476] [-Wanalyzer-null-dereference]",
                ),
            ],
        ),
    ],
)
def test_a_finding_is_told_from_what_explains_it(printed: str, found: list[Finding]) -> None:
    assert findings_in(printed) == found


def test_a_finding_in_a_header_that_several_files_read_counts_once() -> None:
    assert len(findings_in("block.h:3:1: warning: x\nblock.h:3:1: warning: x\n")) == 1


def test_the_files_that_were_read_are_told() -> None:
    assert files_read(SPARSE) == {"main", "report"}
    assert files_read(GCC) == {"report"}


def test_planted_faults_are_known_by_the_checker_that_must_find_them() -> None:
    faults = "a();\nb(); /* found by: sparse */\nc(); /* found by: clang, sparse */\n"
    assert planted("sparse", faults) == {2, 3}
    assert planted("clang", faults) == {3}
    assert planted("clang,", faults) == set()


def test_every_checker_has_a_planted_fault_and_every_fault_a_checker() -> None:
    named = {name for marked in FOUND_BY.findall(FAULTS) for name in marked.split(", ")}
    assert named == {one.name for one in ANALYSES}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.setattr(analysis, "in_root", lambda _root, command, _share: command)
    monkeypatch.setenv("TRACER_LAB_CACHE", str(tmp_path / "cache"))
    for folder in ("tracer", TOOLS.name):
        (tmp_path / folder).mkdir()
    (tmp_path / "tracer" / "main.c").touch()
    (tmp_path / TOOLS.name / "faults.c").write_text("x(); /* found by: stand-in */\n")
    return Workplace(tmp_path, "7.2.12", tmp_path)


def stand_in(monkeypatch: pytest.MonkeyPatch, of_faults: str, of_module: str) -> Analysis:
    """A checker that prints these texts."""

    def printing(command: list[str], *, log: Path) -> None:
        log.write_text(of_faults if f"M=/out/{TOOLS.name}" in command else of_module)

    monkeypatch.setattr(analysis, "run", printing)
    return Analysis("stand-in", "a stand-in", "none", ("C=2",))


def test_what_is_found_in_the_module_is_told_and_not_what_was_planted(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = "  CHECK   main.c\n"
    checker = stand_in(monkeypatch, "faults.c:1:1: x\n", f"{read}main.c:7:1: warning: y\n")
    assert findings(checker, place) == [Finding("main.c", 7, "warning: y")]
    assert str(findings(checker, place)[0]) == "main.c:7: warning: y"


def test_a_checker_that_misses_a_planted_fault_is_an_error(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    checker = stand_in(monkeypatch, "faults.c:2:1: x\n", "  CHECK   main.c\n")
    with pytest.raises(LabError, match=r"does not find the faults in faults.c, lines 1$"):
        findings(checker, place)


def test_a_file_that_a_checker_leaves_out_is_an_error(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    checker = stand_in(monkeypatch, "faults.c:1:1: x\n", "  CHECK   other.c\n")
    with pytest.raises(LabError, match="has not read main"):
        findings(checker, place)


def test_clang_gets_the_flags_that_say_what_the_code_means() -> None:
    gcc = "-Wp,-MMD,x.d -nostdinc -I./include -include linux/kconfig.h -D__KERNEL__ -std=gnu11"
    more = "-fmin-function-alignment=16 -mrecord-mcount -fms-extensions -O2 -Wall -DMODULE -g"
    assert " ".join(meaning(f"{gcc} {more}".split())) == (
        "-nostdinc -I./include -include linux/kconfig.h -D__KERNEL__ -std=gnu11"
        " -fms-extensions -DMODULE"
    )
