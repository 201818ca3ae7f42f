"""One line bounds the kernels: for dkms, for tracer-check and for what people read."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tracer_lab.kernels_document import DOCUMENT, write_text
from tracer_tools import kernels
from tracer_tools.check.engine import Finding, Status
from tracer_tools.check.kernel import release_supported
from tracer_tools.kernels import supported_kernels
from tracer_tools.system import System

TREE = Path(__file__).resolve().parents[3]
DKMS = TREE / "dkms"
BOUNDS = DKMS / "supported-kernels"
# What people read, and the text that manual pages are made of.
READ_BY_PEOPLE = (
    *("README.md", "CONTRIBUTING.md", "tests/README.md", "debian/control", "pyproject.toml"),
    *("tools/tracer_tools/check/cli.py", "tools/tracer_tools/ctl/cli.py"),
)
# What dkms does: it reads dkms.conf, echoes the value and reads that, then compares.
MATCH = r"""
set -eu
kernel_source_dir=/none dkms_tree=/none kernelver=$1
. "$2"
. "$3"
eval "$(eval echo 'BUILD_EXCLUSIVE_KERNEL=\"${BUILD_EXCLUSIVE_KERNEL}\"')"
[[ $1 =~ $BUILD_EXCLUSIVE_KERNEL ]] && echo built || echo skipped
"""


def outcome(release: str, bounds: Path) -> str:
    """Say what dkms does on that kernel; the two files are what debian/rules makes one of."""
    command = ["bash", "-c", MATCH, "bash", release, str(bounds), str(DKMS / "dkms.conf")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Running(System):
    """A machine of which nothing is known but the release of its kernel."""

    def __init__(self, release: str, root: Path) -> None:
        super().__init__(root)
        self._release = release

    def release(self) -> str:
        return self._release


# What dkms 3.0.10 does for a kernel that arrives: it asks whether the module wants to be built
# then, but shows dkms.conf the kernel that the module was built for.
ASK = r"""
set -u
kernel_source_dir=/none dkms_tree=/none
asked() { (. "$1"; . "$2"; echo "${AUTOINSTALL:-no}"); }
read_conf() { local kernelver="$1" arch="$2"; asked "$3" "$4"; }
kernelver[0]=$1 arch[0]=$2
read_conf "$3" "${3:+x86_64}" "$4" "$5"
"""


def wanted(arriving: str, arch: str, built_for: str, bounds: Path) -> str:
    """Say whether dkms of bookworm builds for a kernel when that arrives."""
    command = ["bash", "-c", ASK, "bash", arriving, arch, built_for, str(bounds)]
    done = subprocess.run(
        [*command, str(DKMS / "dkms.conf")], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the one file with bounds of its own, that tracer-check reads too."""
    file = tmp_path / "supported-kernels"
    file.write_text("OLDEST_KERNEL=5.10\nNEWEST_KERNEL=7.3\n")
    monkeypatch.setattr(kernels, "BOUNDS_FILES", (file,))
    return file


def answer(release: str, bounds: Path) -> Finding:
    """Say what tracer-check finds on that kernel, on a machine without anything."""
    return release_supported(Running(release, bounds.parent))


@pytest.mark.parametrize(
    "release",
    [
        "5.10.0-46-amd64",
        "5.10.0-32-rt-amd64",
        "5.19.17",
        "6.0.0",
        "6.1.0-0.deb11.52-amd64",
        "6.1.0-50-amd64",
        "6.1.0-56-rt-amd64",
        "6.4.0-150600.23.25-default",
        "6.6.87.2-microsoft-standard-WSL2",
        "6.8.0-31-generic",
        "6.8.9-300.fc40.x86_64",
        "6.9.1-arch1-1",
        "6.12.107+deb13-cloud-amd64",
        "6.19-rc1",
        "7.0.0",
        "7.2.12+deb14-amd64",
        "7.3-rc5",
        "7.3.4+deb13-amd64",
        "7.3",
    ],
)
def test_a_supported_kernel_is_built_for(release: str, bounds: Path) -> None:
    assert outcome(release, bounds) == "built"
    assert answer(release, bounds).status is Status.PASS


@pytest.mark.parametrize(
    "release",
    [
        "4.19.0-27-amd64",
        "5.1.0",
        "5.4.0-1-amd64",
        "5.9.0-0.bpo.5-amd64",
        "5.9.16",
        "7.4-rc1",
        "7.4.1+deb14-amd64",
        "7.10.1",
        "7.30.1",
        "8.0.0",
        "10.0.0",
        "15.10.0",
        "65.10.0",
    ],
)
def test_any_other_kernel_is_skipped(release: str, bounds: Path) -> None:
    assert outcome(release, bounds) == "skipped"
    assert answer(release, bounds).status is Status.FAIL


@pytest.mark.parametrize("built_for", ["6.1.0-50-amd64", ""])
@pytest.mark.parametrize(
    ("arriving", "arch", "answer"),
    [
        ("6.12.95+deb12-amd64", "x86_64", "yes"),
        ("7.4.1+deb14-amd64", "x86_64", "no"),
        ("6.1.0-51-686", "i686", "no"),
    ],
)
def test_a_kernel_that_arrives_is_built_for_only_if_it_is_not_left_out(
    arriving: str, arch: str, answer: str, built_for: str, bounds: Path
) -> None:
    assert wanted(arriving, arch, built_for, bounds) == answer


def test_newer_dkms_is_left_to_say_itself_that_it_skips_a_kernel(bounds: Path) -> None:
    release = "7.4.1+deb14-amd64"
    assert wanted(release, "x86_64", release, bounds) == "yes"


def test_bounds_of_one_major_number_leave_out_what_is_below_and_above(bounds: Path) -> None:
    bounds.write_text("OLDEST_KERNEL=6.1\nNEWEST_KERNEL=6.12\n")
    releases = ("6.0.9", "6.1.0", "6.9.1", "6.12.107+deb13-amd64", "6.13.0")
    outcomes = [outcome(release, bounds) for release in releases]
    assert outcomes == ["skipped", "built", "built", "built", "skipped"]
    statuses = [answer(release, bounds).status for release in releases]
    assert statuses == [Status.FAIL, Status.PASS, Status.PASS, Status.PASS, Status.FAIL]


@pytest.mark.parametrize(
    ("newest", "release"), [("7.4", "7.4.1+deb14-amd64"), ("8.0", "8.0.2"), ("7.10", "7.10.1")]
)
def test_raising_the_one_line_takes_a_kernel_in_and_lowering_it_leaves_it_out(
    bounds: Path, newest: str, release: str
) -> None:
    assert (outcome(release, bounds), answer(release, bounds).status) == ("skipped", Status.FAIL)
    before = answer(release, bounds).fact
    assert "not yet supported (tracer supports 5.10 to 7.3)" in before
    bounds.write_text(bounds.read_text().replace("NEWEST_KERNEL=7.3", f"NEWEST_KERNEL={newest}"))
    assert (outcome(release, bounds), answer(release, bounds).status) == ("built", Status.PASS)
    assert f"(5.10 to {newest})" in answer(release, bounds).fact
    write_text(bounds.parent, [])
    assert f"supports Linux 5.10 to {newest}:" in (bounds.parent / DOCUMENT).read_text()


def test_raising_the_other_line_makes_a_kernel_too_old(bounds: Path) -> None:
    release = "6.1.0-56-amd64"
    assert (outcome(release, bounds), answer(release, bounds).status) == ("built", Status.PASS)
    bounds.write_text("OLDEST_KERNEL=6.2\nNEWEST_KERNEL=7.3\n")
    assert (outcome(release, bounds), answer(release, bounds).status) == ("skipped", Status.FAIL)
    assert answer(release, bounds).fact == (
        f"Linux {release} is too old: tracer supports 6.2 to 7.3."
    )


def test_the_bounds_of_the_tree_take_in_both_series_that_they_name() -> None:
    for series in (supported_kernels().oldest, supported_kernels().newest):
        assert outcome(f"{series}.1-amd64", BOUNDS) == "built"


@pytest.mark.parametrize("name", READ_BY_PEOPLE)
def test_no_other_text_states_the_bounds(name: str) -> None:
    text = " ".join((TREE / name).read_text().split())
    oldest = re.escape(str(supported_kernels().oldest))
    newest = re.escape(str(supported_kernels().newest))
    stated = rf"\b{oldest} ?(to|up|until|or|and|-) |(\b(to|until|than)|\d ?-) ?{newest}\b(?!.?\d)"
    assert not re.search(stated, text)
