"""The tests that the source package brings for Debian's own machines, as those run them."""

from __future__ import annotations

import pytest

from tracer_lab.autopkgtest import run_autopkgtest
from tracer_lab.cells import Cell
from tracer_lab.commands import run
from tracer_lab.guest_suite import TREE, list_tests
from tracer_lab.packages import build_packages
from tracer_lab.results import parse_results

OURS = "guest-suite"
# All of them take as long as a cell of the matrix, of which they are the tests:
# ``invoke autopkgtest`` runs all, and the test that Debian has for every dkms package.
SOME = "test_add"


@pytest.mark.package
def test_debian_finds_the_test_of_every_dkms_package_beside_ours() -> None:
    found = run(["autodep8"], cwd=TREE)
    assert f"Tests: {OURS}\n" in found
    assert "Features: test-name=dkms-autopkgtest\n" in found


@pytest.mark.vm
@pytest.mark.package
def test_our_test_installs_the_packages_loads_the_module_and_runs_guest_tests(cell: Cell) -> None:
    packages = build_packages(TREE, TREE / "dist")
    options = [f"--test-name={OURS}", f"--env=GUEST_TESTS={SOME}"]
    result = run_autopkgtest("vm-test", cell, packages, options)
    assert result.outcomes == {OURS: "PASS"}, result.folder
    assert result.status == 0
    results = parse_results((result.folder / "artifacts" / "results.jsonl").read_text())
    assert results.ended
    assert sorted(results.outcomes) == sorted(list_tests(SOME))
    assert results.counted("fail") == 0
