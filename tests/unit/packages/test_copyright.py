"""debian/copyright can be read by programs, and says what the files themselves say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest
from debian.copyright import Copyright, FilesParagraph, License, LicenseParagraph

from tracer_lab.tree import tree_files

TREE = Path(__file__).resolve().parents[3]
FILES = tree_files(TREE)
# The names of Debian's format, and those of SPDX.
SPDX = {
    "GPL-2": "GPL-2.0-only",
    "GPL-2 with Linux-syscall-note exception": "GPL-2.0-only WITH Linux-syscall-note",
}
TAG = re.compile(r"SPDX-License-Identifier: (?P<license>[\w.+ -]+?)(?: \*/)?$", re.MULTILINE)
# Its own, and what has the text of the license, whose copyright is not that of the work.
NOT_OF_THE_WORK = ("debian/copyright", "LICENSE")
FIRST_LINES = 3  # below them a file may speak of tags
# A statement with a year, and who is named in it.
CLAIM = re.compile(r"(?:Copyright|\(C\)|©)[\s:,]*(?:\(C\)|©)?\s*[12]\d{3}[\d, -]*\s*(?P<holder>.+)")
OF_THE_KERNEL = ("src/tracer/*", "tests/guest/workload/*")


@pytest.fixture(scope="module")
def stated() -> Copyright:
    with (TREE / "debian/copyright").open(encoding="utf-8") as file:
        return Copyright(file, strict=True)


def license_of(paragraph: FilesParagraph | LicenseParagraph | None) -> License:
    assert paragraph is not None
    return cast("License", paragraph.license)


def text_of(name: str) -> str:
    return (TREE / name).read_text(encoding="utf-8", errors="replace")  # pictures, too


def tag_of(name: str) -> str:
    """The license that a file has in its own first lines, empty if in none."""
    tag = TAG.search("\n".join(text_of(name).splitlines()[:FIRST_LINES]))
    return tag["license"] if tag else ""


def test_every_file_is_covered(stated: Copyright) -> None:
    assert [name for name in FILES if stated.find_files_paragraph(name) is None] == []


def test_a_tag_in_a_file_says_the_same(stated: Copyright) -> None:
    tagged = {name: tag for name in FILES if (tag := tag_of(name))}
    found = {name: SPDX[license_of(stated.find_files_paragraph(name)).synopsis] for name in tagged}
    assert found == tagged


def test_every_file_of_kernel_modules_has_a_tag() -> None:
    assert [name for name in tree_files(TREE, *OF_THE_KERNEL) if not tag_of(name)] == []


def test_a_file_names_no_holder_of_the_copyright_but_those_stated(stated: Copyright) -> None:
    others = []
    for name in FILES:
        paragraph = stated.find_files_paragraph(name)
        assert paragraph is not None
        holders = [claim["holder"].rstrip(" */,") for claim in CLAIM.finditer(text_of(name))]
        if name not in NOT_OF_THE_WORK:
            others += [(name, one) for one in holders if one not in str(paragraph.copyright)]
    assert others == []


def test_every_paragraph_is_of_some_file(stated: Copyright) -> None:
    used = {str(stated.find_files_paragraph(name)) for name in FILES}
    assert {str(paragraph) for paragraph in stated.all_files_paragraphs()} == used


def test_every_license_that_is_named_has_a_text(stated: Copyright) -> None:
    apart = {license_of(paragraph).synopsis for paragraph in stated.all_license_paragraphs()}
    named = [license_of(paragraph) for paragraph in stated.all_files_paragraphs()]
    assert [one.synopsis for one in named if not one.text and one.synopsis not in apart] == []


def test_the_wheel_has_the_license_of_its_files(stated: Copyright) -> None:
    shipped = license_of(stated.find_files_paragraph("tools/tracer_tools/cli.py"))
    assert f'license="{SPDX[shipped.synopsis]}"' in text_of("setup.py")
