"""The tests that the source package brings for Debian's own machines, as those run them."""

from __future__ import annotations

import re

import pytest

from tracer_lab.autopkgtest import OUR_TEST, TESTS, run_autopkgtest
from tracer_lab.cells import Cell
from tracer_lab.commands import run
from tracer_lab.guest_suite import TREE, list_tests
from tracer_lab.packages import build_packages
from tracer_lab.results import parse_results

# All of them take as long as a cell of the matrix, of which they are the tests:
# ``invoke autopkgtest`` runs all, and the test that Debian has for every dkms package.
SOME = "test_add"


@pytest.mark.package
def test_debian_finds_the_test_of_every_dkms_package_beside_ours() -> None:
    stanzas = run(["autodep8"], cwd=TREE)
    found = re.findall(r"^Tests: (\S+)$|^Features: test-name=(\S+)$", stanzas, re.MULTILINE)
    assert tuple(ours or theirs for ours, theirs in found) == TESTS


@pytest.mark.vm
@pytest.mark.package
def test_our_test_installs_the_packages_loads_the_module_and_runs_guest_tests(cell: Cell) -> None:
    packages = build_packages(TREE, TREE / "dist")
    result = run_autopkgtest(OUR_TEST, cell, packages, [f"--env=GUEST_TESTS={SOME}"])
    assert result.passed, (result.summary, result.folder)
    results = parse_results((result.folder / "artifacts" / "results.jsonl").read_text())
    assert results.ended
    assert sorted(results.outcomes) == sorted(list_tests(SOME))
    assert results.counted("fail") == 0
