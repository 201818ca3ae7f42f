"""The service: which rights it has, as systemd itself judges."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[3]
UNIT = TREE / "debian" / "prometheus-tracer-exporter.service"
MOST_EXPOSED = 2.0


def settings(name: str) -> list[str]:
    """The values of a setting of the unit."""
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


def test_it_has_one_capability_and_a_user_of_its_own() -> None:
    assert settings("DynamicUser") == ["yes"]
    assert settings("CapabilityBoundingSet") == settings("AmbientCapabilities") == ["CAP_PERFMON"]
    assert settings("SupplementaryGroups") == ["tracer"]


def test_it_may_open_one_device() -> None:
    assert settings("DevicePolicy") == ["closed"]
    assert settings("DeviceAllow") == ["/dev/tracer r", "/dev/char/10:42 r"]


def test_systemd_finds_it_little_exposed() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(UNIT)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= MOST_EXPOSED


def test_its_options_are_read_from_the_file_that_the_package_has() -> None:
    assert settings("EnvironmentFile") == ["-/etc/tracer/exporter.conf"]
    assert settings("ExecStart") == ["/usr/bin/prometheus-tracer-exporter $ARGS"]
    defaults = (TREE / "monitoring" / "exporter.conf").read_text()
    assert defaults.splitlines()[-1] == 'ARGS=""'
