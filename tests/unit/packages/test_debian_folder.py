"""debian/ stays small: what debhelper can do is left to debhelper."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from tracer_lab.tree import tree_files

TREE = Path(__file__).resolve().parents[3]
SCRIPTS = tree_files(TREE, "debian/*.p*inst", "debian/*.p*rm")
# What debhelper writes into maintainer scripts by itself.
WRITTEN_BY_DEBHELPER = ("addgroup", "dkms add", "dkms install", "py3compile", "systemd-sysusers")
LINK = re.compile(r"\]\((?P<target>[^)]*)\)")


def text_of(name: str) -> str:
    return (TREE / name).read_text(encoding="utf-8")


def test_the_rules_have_under_25_lines() -> None:
    assert len(text_of("debian/rules").splitlines()) < 25


def test_the_level_of_debhelper_is_13() -> None:
    assert " debhelper-compat (= 13),\n" in text_of("debian/control")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_maintainer_script_has_nothing_that_debhelper_writes(name: str) -> None:
    script = text_of(name)
    assert "\n#DEBHELPER#\n" in script
    assert [words for words in WRITTEN_BY_DEBHELPER if words in script] == []


@pytest.mark.package
@pytest.mark.parametrize("package", ["tracer-dkms", "tracer-tools"])
def test_the_readme_links_to_nothing_that_is_only_in_the_source(
    installed: Path, package: str
) -> None:
    folder = installed / "usr/share/doc" / package
    (file,) = folder.glob("README.md*")
    readme = file.read_bytes()
    text = (gzip.decompress(readme) if file.suffix == ".gz" else readme).decode()
    targets = [link["target"] for link in LINK.finditer(text)]
    assert [target for target in targets if "://" not in target] == []
