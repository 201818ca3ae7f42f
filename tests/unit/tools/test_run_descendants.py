"""What tracerctl run does about the processes that a command starts and leaves."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.tools.conftest import AwaitState, Tracerctl


# It says its PID when it has been executed, and then waits for what never comes.
DAEMON = "(setsid sh -c 'echo $$; exec >&- 2>&-; read never <>fifo' <&- &) | head -n 1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with what the daemon reads."""
    os.mkfifo(tmp_path / "fifo")
    return tmp_path


def test_what_still_runs_is_reported_and_left_alone(
    tracerctl: Tracerctl, await_state: AwaitState, folder: Path
) -> None:
    ran = tracerctl.sh(f"{DAEMON}; exit 4", "--json", cwd=folder)
    daemon = int(ran.stdout)
    try:
        assert ran.returncode == 4
        report = json.loads(ran.stderr)
        found = {process["PID"]: process for process in report["processes"]}
        assert found[daemon]["running"]
        assert found[daemon]["kmalloc"] == 2
        assert sum(process["running"] for process in report["processes"]) == 1
        assert report["total"]["kmalloc"] == 2 * len(found)
        await_state(daemon, {"S", "R"})
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_wait_waits_for_all_descendants(
    tracerctl: Tracerctl, await_state: AwaitState, folder: Path
) -> None:
    script = f"echo $$; {DAEMON}; exit 4"
    with tracerctl.started_sh(script, "--wait", "--json", cwd=folder) as process:
        command, daemon = int(tracerctl.next_line(process)), int(tracerctl.next_line(process))
        await_state(command, {""})
        assert process.poll() is None
        os.kill(daemon, signal.SIGTERM)
        assert process.wait(tracerctl.patience) == 4
        assert process.stderr is not None
        report = json.load(process.stderr)
    found = {each["PID"]: each for each in report["processes"]}
    assert not found[daemon]["running"]


def test_ctrl_c_ends_the_wait_for_descendants(
    tracerctl: Tracerctl, await_state: AwaitState, folder: Path
) -> None:
    script = f"echo $$; {DAEMON}; exit 4"
    with tracerctl.started_sh(script, "--wait", "--json", cwd=folder) as process:
        command, daemon = int(tracerctl.next_line(process)), int(tracerctl.next_line(process))
        try:
            await_state(command, {""})
            process.send_signal(signal.SIGINT)
            assert process.wait(tracerctl.patience) == 4
            assert process.stderr is not None
            assert json.load(process.stderr)["processes"][-1]["running"]
            await_state(daemon, {"S", "R"})
        finally:
            os.kill(daemon, signal.SIGKILL)


def test_only_the_command_itself_without_following(tracerctl: Tracerctl) -> None:
    ran = tracerctl.sh("sleep 0 & wait; (setsid sleep 0.1 &) ; exit 2", "--no-follow", "--json")
    assert ran.returncode == 2
    assert len(json.loads(ran.stderr)["processes"]) == 1
