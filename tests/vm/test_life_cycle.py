"""The life of the packages, each step by the apt and the dkms of each suite."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tracer_lab.aftermath import OURS, Aftermath, everything_in, sandbox
from tracer_lab.variants import packages_of_variant, set_version

pytestmark = [pytest.mark.vm, pytest.mark.package]

SUITES = ("bullseye", "bookworm", "trixie", "forky")
NEWER = "1000.0.0"
# What would make a user stop and think; but not what is said of any package that is installed
# from a file again (by apt of bullseye), or that is downgraded.
SCARES = re.compile(r"(?i)\b(error|warning|fail\w*|cannot|unable|broken|not found|no such)\b")
NOT_OURS = re.compile(r"W: Repository is broken: .* has no Size|dpkg: warning: downgrading ")
# Each step ends with the packages there, or with them gone.
INSTALLED = ("install", "reinstall", "upgrade", "downgrade")
GONE = ("remove", "purge")


@dataclass(frozen=True)
class Life:
    """What a machine of a suite was like after each step, and before and after all of them."""

    kernel: str
    version: str
    steps: dict[str, Aftermath]
    before: set[str]
    after: set[str]

    def version_at(self, step: str) -> str:
        return NEWER if step == "upgrade" else self.version


@pytest.fixture(scope="session")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    """The packages of this tree with a higher version."""
    folder = tmp_path_factory.mktemp("newer")
    return packages_of_variant(folder, lambda tree: set_version(tree, NEWER)).debs


@pytest.fixture(scope="module", params=SUITES)
def life(
    request: pytest.FixtureRequest, debs: list[Path], newer: list[Path], version: str
) -> Iterator[Life]:
    """A machine that went through it all. Whenever apt does not exit 0, it is an error."""
    with sandbox(request.param, "life") as made:
        before = everything_in(made.root)
        made.apt("install", "install", debs=debs)
        made.apt("reinstall", "install", "--reinstall", debs=debs)
        made.apt("upgrade", "install", debs=newer)
        made.apt("downgrade", "install", "--allow-downgrades", debs=debs)
        made.apt("remove", "remove", *OURS)
        made.apt("purge", "purge", *OURS)
        (kernel,) = made.kernels
        yield Life(kernel, version, made.steps, before, everything_in(made.root))


@pytest.mark.parametrize("step", INSTALLED)
def test_the_packages_are_configured(life: Life, step: str) -> None:
    states = life.steps[step].packages
    assert {name: states[name] for name in OURS} == dict.fromkeys(OURS, "installed")


@pytest.mark.parametrize("step", INSTALLED)
def test_the_module_of_that_version_is_the_one_that_modprobe_finds(life: Life, step: str) -> None:
    assert life.steps[step].modules == {life.kernel: life.version_at(step)}
    assert len(life.steps[step].files) == 1


@pytest.mark.parametrize("step", INSTALLED)
def test_dkms_has_that_version_and_no_other(life: Life, step: str) -> None:
    (line,) = life.steps[step].dkms.splitlines()
    version = re.escape(life.version_at(step))
    assert re.fullmatch(rf"tracer(/|, ){version}, {re.escape(life.kernel)}, \S+: installed", line)


@pytest.mark.parametrize("step", GONE)
def test_a_removal_takes_the_module_out_of_dkms_and_of_the_kernel(life: Life, step: str) -> None:
    assert life.steps[step].dkms == ""
    assert life.steps[step].modules == {}
    assert life.steps[step].files == frozenset()


def test_purging_leaves_everything_as_it_was(life: Life) -> None:
    assert life.after ^ life.before == set()
    assert not any(name in life.steps["purge"].packages for name in OURS)


@pytest.mark.parametrize("step", [*INSTALLED, *GONE])
def test_dpkg_finds_nothing_wrong(life: Life, step: str) -> None:
    assert life.steps[step].audit == ""


@pytest.mark.parametrize("step", [*INSTALLED, *GONE])
def test_nothing_that_apt_prints_scares(life: Life, step: str) -> None:
    lines = life.steps[step].said.splitlines()
    assert [line for line in lines if SCARES.search(line) and not NOT_OURS.match(line)] == []
