"""The configurations of kernels that the lab builds: read, joined, and compared with the result."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer_lab.cells import SANITIZER_CELLS, SanitizerCell
from tracer_lab.errors import LabError
from tracer_lab.kernel_config import (
    FRAGMENTS,
    check_granted,
    fragment_files,
    not_granted,
    parse_config,
    wanted_options,
)

CONFIG = """\
#
# Automatically generated file; DO NOT EDIT.
# Linux/x86 6.1.192 Kernel Configuration
#
CONFIG_CC_VERSION_TEXT="gcc (Debian 12.2.0-14+deb12u1) 12.2.0"
CONFIG_KASAN=y
# CONFIG_KCSAN is not set

CONFIG_NR_CPUS=8
CONFIG_LOCALVERSION="-sanitizer-amd64"
"""


def test_a_config_is_read() -> None:
    assert parse_config(CONFIG) == {
        "CONFIG_CC_VERSION_TEXT": '"gcc (Debian 12.2.0-14+deb12u1) 12.2.0"',
        "CONFIG_KASAN": "y",
        "CONFIG_KCSAN": "n",
        "CONFIG_NR_CPUS": "8",
        "CONFIG_LOCALVERSION": '"-sanitizer-amd64"',
    }


@pytest.mark.parametrize("line", ["KASAN=y", "CONFIG_KASAN", "CONFIG_KASAN=", " CONFIG_KASAN=y"])
def test_a_line_of_another_form_is_an_error_that_names_it(line: str) -> None:
    with pytest.raises(LabError, match=r"guest\.config, line 2: no option of a kernel"):
        parse_config(f"CONFIG_SMP=y\n{line}\n", "guest.config")


def test_an_option_twice_is_an_error() -> None:
    with pytest.raises(LabError, match="line 2: CONFIG_KASAN a second time"):
        parse_config("CONFIG_KASAN=y\n# CONFIG_KASAN is not set\n")


@pytest.mark.parametrize(
    ("option", "value", "is_there"),
    [
        ("CONFIG_KCSAN", "y", "n"),
        ("CONFIG_FAILSLAB", "y", "n"),  # not there at all
        ("CONFIG_KASAN", "n", "y"),
        ("CONFIG_KASAN", "m", "y"),
        ("CONFIG_NR_CPUS", "64", "8"),
    ],
)
def test_a_wanted_option_that_came_out_otherwise_is_named(
    option: str, value: str, is_there: str
) -> None:
    wanted = {"CONFIG_NR_CPUS": "8", option: value}
    assert not_granted(wanted, parse_config(CONFIG)) == [f"{option}={value} (is {is_there})"]
    with pytest.raises(LabError, match=f"sanitizer-6.1: .*{option}={value}"):
        check_granted(wanted, CONFIG, "sanitizer-6.1")


def test_what_is_wanted_unset_and_is_nowhere_is_granted() -> None:
    check_granted({"CONFIG_SOUND": "n", "CONFIG_KCSAN": "n", "CONFIG_KASAN": "y"}, CONFIG, "x")


def test_fragments_that_name_the_same_option_are_an_error(tmp_path: Path) -> None:
    files = [tmp_path / "one.config", tmp_path / "two.config"]
    for file in files:
        file.write_text("CONFIG_KASAN=y\n")
    with pytest.raises(LabError, match=r"two\.config: another fragment names CONFIG_KASAN"):
        wanted_options(files)


def test_a_fragment_that_is_not_there_is_an_error_that_names_the_others() -> None:
    with pytest.raises(LabError, match="called desktop") as error:
        fragment_files(["guest", "desktop"])
    assert "kcsan" in error.value.hint


@pytest.mark.parametrize("cell", SANITIZER_CELLS, ids=lambda cell: cell.name)
def test_the_fragments_of_each_cell_go_together(cell: SanitizerCell) -> None:
    wanted = wanted_options(fragment_files(cell.fragments))
    # The rest of the lab takes the end of a release for the architecture.
    assert wanted["CONFIG_LOCALVERSION"].endswith('-amd64"')
    assert wanted["CONFIG_KCSAN" if cell.finds_races else "CONFIG_KASAN"] == "y"


def test_each_fragment_is_of_a_cell() -> None:
    used = {name for cell in SANITIZER_CELLS for name in cell.fragments}
    assert used == {path.stem for path in FRAGMENTS.iterdir()}
