"""What a Debian maintainer asks of a package before it is uploaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer_lab.guest_suite import TREE
from tracer_lab.lintian import SUITES, lintian_tags, objections
from tracer_lab.packages import Packages, build_packages
from tracer_lab.rebuilding import difference, rebuild
from tracer_lab.suites import Suite
from tracer_lab.variants import packages_of_variant

pytestmark = pytest.mark.package


@pytest.fixture(scope="module")
def packages() -> Packages:
    return build_packages(TREE, TREE / "dist")


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_lintian_finds_no_error_no_warning_and_no_info(suite: Suite, packages: Packages) -> None:
    assert objections(suite, lintian_tags(suite, packages)) == []


def test_a_build_elsewhere_at_another_time_makes_the_same_files(tmp_path: Path) -> None:
    one = packages_of_variant(tmp_path, lambda _: None)
    other = rebuild(tmp_path / "tree", tmp_path)
    assert len(one.files) == len(other.files)
    assert difference(one, other) == ""
