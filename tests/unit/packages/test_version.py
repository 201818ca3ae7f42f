from __future__ import annotations

import subprocess
from pathlib import Path
from types import ModuleType
from typing import Callable

import pytest
from packaging.version import Version

TREE = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def setup(imported: Callable[[str], ModuleType]) -> ModuleType:
    """setup.py, which does nothing when it is imported."""
    return imported("setup.py")


COUNTERPARTS = [
    ("1.0.0", "1.0.0"),
    ("1.0.0-1", "1.0.0"),
    ("1:1.0.0-1", "1.0.0"),
    ("1.2-0.1~bpo12+1", "1.2"),
    ("1.1.0~rc1", "1.1.0rc1"),
    ("1.1.0~rc", "1.1.0rc0"),
    ("1.1.0~pre2", "1.1.0rc2"),
    ("1.1.0~rc1-2", "1.1.0rc1"),
    ("1.1.0~rc1~bpo12+1", "1.1.0rc1+bpo12.1"),
    ("2.0~beta2", "2.0b2"),
    ("2.0~alpha3", "2.0a3"),
    ("2.0~dev4", "2.0.dev4"),
    ("1.0.0~bpo12+1", "1.0.0+bpo12.1"),
    ("1.0.0~deb12u1", "1.0.0+deb12u1"),
    ("1.0.0+deb13u2", "1.0.0+deb13u2"),
    ("1.0.0+git20261122", "1.0.0+git20261122"),
    ("1.0.0~git20261122", "1.0.0.dev0+git20261122"),
    ("1.0.0~rcfoo", "1.0.0.dev0+rcfoo"),
    ("1.0.0~~rc1", "1.0.0.dev0+rc1"),
]


@pytest.mark.parametrize(("debian", "python"), COUNTERPARTS)
def test_a_debian_version_has_one_counterpart(setup: ModuleType, debian: str, python: str) -> None:
    assert setup.pep440_version(debian) == python


def test_a_suffix_with_a_tilde_comes_before_the_release_in_python_too(setup: ModuleType) -> None:
    for debian in ("1.0.0~rc1", "1.0.0~git1", "1.0.0~~1", "1.0.0~rc1-2"):
        assert Version(setup.pep440_version(debian)) < Version("1.0.0"), debian


@pytest.mark.parametrize(
    "debian",
    [
        "",
        ":1.0.0",
        "a:1.0.0",
        "1.0.0~",
        "1.0.0~~",
        "1.0.0+",
        "1.0.0-",
        "1.0.0-1_2",
        "1.0.0 ",
        "1.0.0-1-2",
        "v1.0.0",
        "1.0.0rc1",
        "1..0",
    ],
)
def test_what_is_no_version_of_a_debian_package_is_refused(setup: ModuleType, debian: str) -> None:
    with pytest.raises(ValueError, match="of the form"):
        setup.pep440_version(debian)


def test_the_newest_entry_of_the_changelog_counts(setup: ModuleType, tmp_path: Path) -> None:
    changelog = tmp_path / "changelog"
    entries = (
        "tracer (1.1.0~rc1) unstable; urgency=medium",
        "tracer (1.0.0) unstable; urgency=low",
    )
    changelog.write_text("\n\n  * Text.\n\n -- A B <c@d>  date\n\n".join(entries) + "\n")
    assert setup.changelog_version(changelog) == "1.1.0~rc1"


def test_a_changelog_that_starts_with_anything_else_is_refused(
    setup: ModuleType, tmp_path: Path
) -> None:
    changelog = tmp_path / "changelog"
    changelog.write_text("\ntracer (1.0.0) unstable; urgency=medium\n")
    with pytest.raises(ValueError, match="line 1"):
        setup.changelog_version(changelog)


def test_the_module_is_compiled_with_the_version_that_make_is_given(tmp_path: Path) -> None:
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"include {TREE}/src/tracer/Kbuild\nflags:\n\t$(info $(ccflags-y))\n")
    make = ["make", "-s", "-f", str(makefile), "TRACER_VERSION=7.8.9", "flags"]
    flags = subprocess.run(make, capture_output=True, text=True, check=True).stdout
    assert "-DTRACER_VERSION='\"7.8.9\"'" in flags


def test_the_module_carries_the_version_it_is_compiled_with() -> None:
    assert "MODULE_VERSION(TRACER_VERSION);" in (TREE / "src/tracer/main.c").read_text()
