"""What tracerctl run starts, and with which status it ends."""

from __future__ import annotations

import errno
import json
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.tools.conftest import Tracerctl


@pytest.mark.parametrize("status", [0, 1, 3, 125, 255])
def test_the_exit_status_of_the_command_is_passed_on(tracerctl: Tracerctl, status: int) -> None:
    assert tracerctl.sh(f"exit {status}").returncode == status


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV", "PIPE", "INT", "HUP", "USR1"])
def test_it_dies_of_the_signal_that_killed_the_command(
    tracerctl: Tracerctl, name: str, tmp_path: Path
) -> None:
    ran = tracerctl.sh(f"kill -{name} $$", "--json", cwd=tmp_path)
    assert ran.returncode == -getattr(signal, f"SIG{name}")
    assert json.loads(ran.stderr)["signal"] == f"SIG{name}"
    assert list(tmp_path.iterdir()) == []


def test_it_leaves_no_core_of_its_own(tracerctl: Tracerctl, tmp_path: Path) -> None:
    command = " ".join(tracerctl.command)
    script = f'ulimit -c unlimited; {command} run -- sh -c "ulimit -c 0; kill -SEGV \\$\\$"'
    ran = subprocess.run(
        ["bash", "-c", script], env=tracerctl.environment, cwd=tmp_path, check=False
    )
    assert ran.returncode in {-signal.SIGSEGV, 128 + signal.SIGSEGV}
    assert list(tmp_path.iterdir()) == []


def test_arguments_after_the_command_are_its_own(tracerctl: Tracerctl) -> None:
    for options in ([], ["--"]):
        ran = tracerctl.run(*options, "printf", "%s|", "--json", "-o", "--", "x y", "")
        assert ran.stdout == "--json|-o|--|x y||"


@pytest.mark.parametrize(
    ("command", "status", "reason"),
    [
        ("no-such-command", 127, "No such file or directory"),
        ("/no/such/command", 127, "No such file or directory"),
        ("", 127, "No such file or directory"),
        ("/etc/passwd", 126, "Permission denied"),
        ("/", 126, "Permission denied"),
        ("/etc/passwd/x", 127, "Not a directory"),
    ],
)
def test_what_cannot_be_run_is_one_line(
    tracerctl: Tracerctl, command: str, status: int, reason: str
) -> None:
    ran = tracerctl.run("--", command)
    assert (ran.returncode, ran.stdout) == (status, "")
    assert ran.stderr == f"tracerctl: cannot run {command!r}: {reason}\n"


def test_a_script_without_an_interpreter_is_given_to_the_shell(
    tracerctl: Tracerctl, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text('echo "$1"; exit 7\n', encoding="ascii")
    script.chmod(0o755)
    ran = tracerctl.run("script", "an argument", environment={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert (ran.returncode, ran.stdout) == (7, "an argument\n")


def test_a_file_that_may_not_be_executed_does_not_hide_a_later_one(
    tracerctl: Tracerctl, tmp_path: Path
) -> None:
    (tmp_path / "true").write_text("", encoding="ascii")
    assert tracerctl.run("true", environment={"PATH": f"{tmp_path}:/usr/bin:/bin"}).returncode == 0
    assert tracerctl.run("true", environment={"PATH": str(tmp_path)}).returncode == 126


@pytest.mark.parametrize(
    ("options", "environment", "reason"),
    [
        ([], {"STAND_IN_CLOSED": "1"}, "/dev/tracer is not there"),
        ([], {"STAND_IN_ERRNO": str(errno.ENOSPC)}, "no room for process"),
        ([], {"STAND_IN_ERRNO": str(errno.EEXIST)}, "is monitored already, and can be only once"),
        ([], {"STAND_IN_OLD": "1"}, "the loaded module is older than tracer-tools: run 'sudo"),
        (["-o", "/no/such/folder/x"], {}, "cannot write '/no/such/folder/x'"),
        (["-o", "/dev/full"], {}, "cannot write the report: No space left on device"),
    ],
)
def test_a_failure_of_tracer_is_one_line_and_125(
    tracerctl: Tracerctl,
    options: list[str],
    environment: dict[str, str],
    reason: str,
    tmp_path: Path,
) -> None:
    ran = tracerctl.run(*options, "touch", "ran", environment=environment, cwd=tmp_path)
    assert ran.returncode == 125
    assert reason in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert (tmp_path / "ran").exists() == (options == ["-o", "/dev/full"])


def test_the_command_is_not_left_alone_when_its_records_cannot_be_read(
    tracerctl: Tracerctl, tmp_path: Path
) -> None:
    ran = tracerctl.sh(
        "exec >&- 2>&-; sleep 0.3; touch ran", environment={"STAND_IN_GARBAGE": "1"}, cwd=tmp_path
    )
    assert ran.returncode == 125
    assert ran.stderr.startswith("tracerctl: /dev/tracer: byte 0: no record")
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "arguments",
    [[], ["--"], ["--bogus", "true"], ["--sort", "nothing", "true"], ["--json", "--csv", "true"]],
)
def test_wrong_usage_of_run_exits_125(tracerctl: Tracerctl, arguments: list[str]) -> None:
    ran = tracerctl.run(*arguments)
    assert ran.returncode == 125
    assert "usage: tracerctl run" in ran.stderr


def test_its_help_has_examples_and_the_exit_statuses_of_run(tracerctl: Tracerctl) -> None:
    ran = tracerctl.run("--help")
    assert ran.returncode == 0
    places = [
        ran.stdout.index(text) for text in ("tracerctl run -- ls", "--per-second", "\n  125 ")
    ]
    assert places == sorted(places)
    assert max(map(len, ran.stdout.splitlines())) <= 80
