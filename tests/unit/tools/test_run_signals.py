"""Which signals reach a command below tracerctl run, and how both are one job."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.tools.conftest import AwaitState, Tracerctl


SHOW_SIGNALS = "grep -E 'Sig(Ign|Blk)' /proc/self/status"


def test_signals_are_as_a_shell_would_hand_them_on(tracerctl: Tracerctl) -> None:
    for ignored in (set(), {signal.SIGHUP, signal.SIGINT}):

        def ignore(numbers: set[signal.Signals] = ignored) -> None:
            for number in (signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            for number in numbers:
                signal.signal(number, signal.SIG_IGN)

        ran = tracerctl.run("sh", "-c", SHOW_SIGNALS, preexec_fn=ignore)
        blocked, found = (int(line.split()[1], 16) for line in ran.stdout.splitlines())
        assert blocked == 0
        assert found == sum(1 << number - 1 for number in ignored)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_is_passed_on_to_the_command(
    tracerctl: Tracerctl, number: signal.Signals
) -> None:
    with tracerctl.started_sh("echo ready; exec sleep 60", "--json") as process:
        tracerctl.next_line(process)
        process.send_signal(number)
        assert process.wait(tracerctl.patience) == -number
        assert process.stderr is not None
        assert json.load(process.stderr)["signal"] == number.name


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_ctrl_c_is_the_commands_and_the_report_is_still_printed(
    tracerctl: Tracerctl, number: signal.Signals, tmp_path: Path
) -> None:
    name, report = number.name.removeprefix("SIG"), tmp_path / "report"
    script = f"trap 'echo caught; exit 9' {name}; echo ready; while :; do sleep 0.05; done"
    with tracerctl.started_sh(script, "--json", "-o", str(report)) as process:
        tracerctl.next_line(process)
        process.send_signal(number)
        os.killpg(process.pid, number)
        assert tracerctl.next_line(process) == "caught"
        assert process.wait(tracerctl.patience) == 9
    assert json.loads(report.read_text(encoding="utf-8"))["exit_status"] == 9


def test_the_command_is_in_the_process_group_of_tracerctl(tracerctl: Tracerctl) -> None:
    with tracerctl.started_sh("ps -o pgid= -p $$") as process:
        assert int(tracerctl.next_line(process)) == process.pid


def test_ctrl_z_stops_both_and_both_go_on(tracerctl: Tracerctl, await_state: AwaitState) -> None:
    with tracerctl.started_sh("echo $$; read line; exit 8", stdin=subprocess.PIPE) as process:
        child = int(tracerctl.next_line(process))
        os.killpg(process.pid, signal.SIGTSTP)
        await_state(child, {"T"})
        await_state(process.pid, {"T"})
        os.killpg(process.pid, signal.SIGCONT)
        await_state(process.pid, {"S", "R"})
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
        assert process.wait(tracerctl.patience) == 8
