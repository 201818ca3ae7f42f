"""What a Debian maintainer asks of a package before it is uploaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer_lab.guest_suite import TREE
from tracer_lab.lintian import SUITES, lintian_tags
from tracer_lab.packages import Packages, build_packages
from tracer_lab.rebuilding import difference, rebuild
from tracer_lab.suites import Suite
from tracer_lab.variants import packages_of_variant

pytestmark = pytest.mark.package

# The source names the Policy that bookworm knows, because it builds there, where naming a newer
# one is a warning; naming one that is not the newest is an info. No name pleases all.
OLDER_POLICY = "I: tracer source: out-of-date-standards-version "


@pytest.fixture(scope="module")
def packages() -> Packages:
    return build_packages(TREE, TREE / "dist")


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_lintian_finds_no_error_no_warning_and_no_info(suite: Suite, packages: Packages) -> None:
    tags = lintian_tags(suite, packages)
    oldest = suite == SUITES[0]
    assert [tag for tag in tags if oldest or not tag.startswith(OLDER_POLICY)] == []


def test_a_build_elsewhere_at_another_time_makes_the_same_files(tmp_path: Path) -> None:
    one = packages_of_variant(tmp_path, lambda _: None)
    other = rebuild(tmp_path / "tree", tmp_path)
    assert len(one.files) == len(other.files)
    assert difference(one, other) == ""
