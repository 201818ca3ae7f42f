"""tracerctl rules check: what rules match, and what is wrong with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[3] / "tools"
pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="this Python has no tomllib")


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tracer_tools.ctl.cli", "rules", "check", *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(TOOLS)},
        text=True,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "own.toml"


def test_a_rule_shows_the_processes_that_it_has(file: Path) -> None:
    with subprocess.Popen(["sleep", "1000"]) as sleep:
        try:
            file.write_text(f'\n[own]\ncommand = "sleep"\nuser = "{os.getuid()}"\n')
            ran = check(str(file))
        finally:
            sleep.kill()
    first, *lines = ran.stdout.splitlines()
    assert first.startswith("own: ")
    assert f'command = "sleep", user = "{os.getuid()}" ({file}: line 2)' in first
    assert [str(sleep.pid), "sleep"] in [line.split() for line in lines]
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_rule_that_has_none_is_no_fault(file: Path) -> None:
    file.write_text('[none]\ncommand = "no such command"\n')
    ran = check(str(file))
    assert ran.returncode == 0
    assert ran.stdout == f'none: 0 processes: command = "no such command" ({file}: line 1)\n'


def test_a_fault_is_on_standard_error_and_the_status_is_1(file: Path) -> None:
    file.write_text("[own]\nuser = 3\n")
    ran = check(str(file))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == f'tracerctl: {file}: line 2: user is no text: write user = "..."\n'


def test_json_has_rules_and_faults(file: Path, tmp_path: Path) -> None:
    file.write_text("[own]\nuser = 3\n")
    good = tmp_path / "good.toml"
    good.write_text('[good]\nuser = "no-such-user"\n')
    document = json.loads(check("--json", str(file), str(good)).stdout)
    assert document["schema"] == 1
    assert document["problems"] == [
        {"file": str(file), "line": 2, "problem": 'user is no text: write user = "..."'}
    ]
    (rule,) = document["rules"]
    assert rule == {
        "group": "good",
        "file": str(good),
        "line": 1,
        "rule": {"user": "no-such-user"},
        "note": "there is no user 'no-such-user' on this machine",
        "processes": [],
    }


def test_no_file_is_the_folder_with_rules() -> None:
    ran = check()
    folder = Path("/etc/tracer/monitor.d")
    if folder.exists():
        assert str(folder) in ran.stdout + ran.stderr or "There are no rules." in ran.stdout
    else:
        assert ran.stderr == f"tracerctl: {folder} cannot be read: No such file or directory\n"


def test_a_missing_command_is_wrong_usage() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tracer_tools.ctl.cli", "rules"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(TOOLS)},
        text=True,
    )
    assert ran.returncode == 2
    assert "usage: tracerctl rules" in ran.stderr
