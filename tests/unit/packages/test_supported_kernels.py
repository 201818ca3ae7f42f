from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

DKMS = Path(__file__).resolve().parents[3] / "dkms"
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


@pytest.fixture
def bounds(tmp_path: Path) -> Path:
    file = tmp_path / "supported-kernels"
    file.write_text("OLDEST_KERNEL=5.10\nNEWEST_KERNEL=7.3\n")
    return file


@pytest.mark.parametrize(
    "release",
    [
        "5.10.0-32-amd64",
        "5.10.0-32-rt-amd64",
        "5.19.17",
        "6.0.0",
        "6.1.0-50-amd64",
        "6.12.107+deb13-cloud-amd64",
        "6.19-rc1",
        "7.0.0",
        "7.2.12+deb14-amd64",
        "7.3.4+deb13-amd64",
        "7.3",
    ],
)
def test_a_supported_kernel_is_built_for(release: str, bounds: Path) -> None:
    assert outcome(release, bounds) == "built"


@pytest.mark.parametrize(
    "release",
    [
        "4.19.0-27-amd64",
        "5.1.0",
        "5.4.0-1-amd64",
        "5.9.16",
        "7.4.1+deb14-amd64",
        "7.30.1",
        "7.10.0",
        "8.0.0",
        "10.0.0",
        "15.10.0",
        "65.10.0",
    ],
)
def test_any_other_kernel_is_skipped(release: str, bounds: Path) -> None:
    assert outcome(release, bounds) == "skipped"


def test_bounds_of_one_major_number_leave_out_what_is_below_and_above(tmp_path: Path) -> None:
    bounds = tmp_path / "supported-kernels"
    bounds.write_text("OLDEST_KERNEL=6.1\nNEWEST_KERNEL=6.12\n")
    releases = ("6.0.9", "6.1.0", "6.9.1", "6.12.107+deb13-amd64", "6.13.0")
    outcomes = [outcome(release, bounds) for release in releases]
    assert outcomes == ["skipped", "built", "built", "built", "skipped"]


def test_the_bounds_of_the_tree_take_in_the_kernel_of_bookworm() -> None:
    assert outcome("6.1.0-50-amd64", DKMS / "supported-kernels") == "built"
