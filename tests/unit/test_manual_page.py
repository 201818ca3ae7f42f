"""tracer(4) says what the module does: its figures, and every name that the source has."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from tracer_tools.table import COLUMNS

TREE = Path(__file__).resolve().parents[2]
SOURCE = TREE / "src" / "tracer"
PAGE = (TREE / "docs" / "tracer.4").read_text()
# Without requests of roff and marks of fonts, on one line.
TEXT = " ".join(re.sub(r"^\.[A-Z]+ ?|\\f.|\\|\"", "", PAGE, flags=re.MULTILINE).split())
# What test_memory.py measures.
FOOTPRINT = runpy.run_path(str(TREE / "tests" / "guest" / "footprint.py"))
EXAMPLE = re.compile(r"^\.RS$(.*?)^\.RE$", re.MULTILINE | re.DOTALL)


def source_of(*names: str) -> str:
    return "\n".join((SOURCE / name).read_text() for name in names)


def names(pattern: str, text: str) -> list[str]:
    return sorted(set(re.findall(pattern, text, re.MULTILINE)))


@pytest.mark.parametrize(
    "figure",
    [
        "N * ({PROCESS} + {PROCESS_ON_A_CPU} * C)",
        "{FILE} beside what any open file takes",
        "for the first tree that is added through it {SPARES} spare processes",
        "{RECORD}, until its record is read",
        "{ROW} * (N + {ROWS})",
        "{BLOCK} * tracked_blocks",
        "{TABLE}, which are part of the module",
    ],
)
def test_a_figure_of_memory_is_the_one_that_is_measured(figure: str) -> None:
    assert figure.format(**FOOTPRINT) in TEXT


def test_the_examples_of_memory_are_computed_from_them() -> None:
    process = FOOTPRINT["PROCESS"] + 4 * FOOTPRINT["PROCESS_ON_A_CPU"]
    assert f"with 4 processors {process} bytes each" in TEXT
    assert f"{process * 16384 / 1e6:.1f} million for 16384 of them" in TEXT
    assert f"{4096 * FOOTPRINT['RECORD']} an open file" in TEXT
    low, usual, high = (FOOTPRINT["BLOCK"] * blocks for blocks in (32768, 262144, 67108864))
    assert f"{usual} by default, from {low} to {high}" in TEXT


@pytest.mark.parametrize("request_", names(r"^#define (TRACER_\w+) _IO", source_of("tracer.h")))
def test_every_request_is_described(request_: str) -> None:
    assert f".TP\n.B {request_}\n" in PAGE


@pytest.mark.parametrize("error", names(r"^ \*   (E[A-Z]+) ", source_of("tracer.h")))
def test_every_error_is_described(error: str) -> None:
    assert f".B {error}\n" in PAGE


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_is_described(column: str) -> None:
    described = re.findall(r"^\.TP\n\.BR? (.*)$", PAGE, re.MULTILINE)
    assert any(column in line.replace('", "', "").split() for line in described)


@pytest.mark.parametrize(
    ("name", "low", "high", "default"),
    re.findall(
        r"MODULE_PARM_DESC\(\s*(\w+),\s*\"[^\"]*\((\d+) to (\d+), default (\d+)\)",
        source_of("process.c", "block.c"),
    ),
)
def test_a_parameter_has_its_range_and_default(
    name: str, low: str, high: str, default: str
) -> None:
    (described,) = re.findall(rf"^\.TP\n\.B {name}\n(.*?)^\.", PAGE, re.MULTILINE | re.DOTALL)
    assert f"{low} to {high}; default {default}." in " ".join(described.split())


def test_every_parameter_is_described() -> None:
    parameters = names(r"^module_param\((\w+)", source_of("process.c", "block.c", "engine.c"))
    assert [name for name in parameters if f".TP\n.B {name}\n" not in PAGE] == []
    assert len(parameters) == 3


def test_every_file_is_described() -> None:
    sysfs = names(r"^static DEVICE_ATTR_RO\((\w+)\)", source_of("sysfs.c"))
    debugfs = names(r'debugfs_create_file\("(\w+)"', source_of("debugfs.c"))
    files = [f"/sys/class/misc/tracer/{name}" for name in sysfs]
    files += [f"/sys/kernel/debug/tracer/{name}" for name in debugfs]
    assert [name for name in files if f".TP\n.I {name}\n" not in PAGE] == []
    assert len(files) == 7


def test_the_example_compiles(tmp_path: Path) -> None:
    (example,) = EXAMPLE.findall(PAGE)
    program = tmp_path / "example.c"
    program.write_text(example)
    flags = ["-std=c11", "-D_DEFAULT_SOURCE", "-Wall", "-Werror", "-fsyntax-only", f"-I{SOURCE}"]
    subprocess.run(["gcc", *flags, str(program)], check=True)


def test_man_has_no_warning_about_it() -> None:
    man = shutil.which("man")
    if man is None:
        pytest.skip("man(1), of the package man-db, is not there to read the page")
    page = str(TREE / "docs" / "tracer.4")
    command = [man, "--warnings", "--encoding=UTF-8", "--local-file", page]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
