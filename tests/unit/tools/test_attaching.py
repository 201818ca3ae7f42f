"""How tracerctl attaches to processes that are real, with a device that is not."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.tools.conftest import Tracerctl


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that runs."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def attach(tracerctl: Tracerctl, *arguments: object) -> subprocess.CompletedProcess[str]:
    return tracerctl.call("attach", *map(str, arguments))


def test_a_timeout_ends_it_and_the_process_goes_on(
    tracerctl: Tracerctl, sleeper: subprocess.Popen[bytes]
) -> None:
    ran = attach(tracerctl, "--timeout", "0.1", "--json", sleeper.pid)
    assert (ran.returncode, ran.stderr) == (0, "")
    report = json.loads(ran.stdout)
    (process,) = report["processes"]
    assert (process["PID"], process["running"], process["kmalloc"]) == (sleeper.pid, True, 2)
    assert process["command"] == "sleep"
    assert process["seconds"] >= 0.1
    assert "command" not in report
    assert sleeper.poll() is None


def test_it_ends_when_all_have_ended(
    tracerctl: Tracerctl, sleeper: subprocess.Popen[bytes]
) -> None:
    with subprocess.Popen(["sleep", "600"]) as other:
        arguments = ["attach", "--json", "--interval", "600", str(sleeper.pid), str(other.pid)]
        with tracerctl.started(*arguments) as process:
            sleeper.kill()
            other.kill()
            out, _ = process.communicate(timeout=tracerctl.patience)
    if process.returncode == 0:  # else they had ended before they were added
        report = json.loads(out)
        assert not any(each["running"] for each in report["processes"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_is_a_normal_end(
    tracerctl: Tracerctl, sleeper: subprocess.Popen[bytes], number: int
) -> None:
    arguments = ["attach", "--json", "--interval", "0.05", str(sleeper.pid)]
    with tracerctl.started(*arguments) as process:
        first = json.loads(tracerctl.next_line(process))
        process.send_signal(number)
        assert process.stdout is not None
        rest = [json.loads(line) for line in process.stdout]
        assert process.wait(tracerctl.patience) == 0
    intervals = [first["interval"], *(report["interval"] for report in rest)]
    assert intervals == list(range(1, len(intervals) + 1))
    assert len(intervals) >= 2


def test_with_tree_what_it_starts_is_counted_too(tracerctl: Tracerctl) -> None:
    environment = {"STAND_IN_TREE": f"of {os.getpid()}"}
    with subprocess.Popen(
        ["sh", "-c", "read line; sleep 600 & wait"],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        start_new_session=True,
    ) as shell:
        arguments = ["attach", "--tree", "--json", "--interval", "0.05", str(shell.pid)]
        try:
            with tracerctl.started(*arguments, environment=environment) as process:
                assert process.stdout is not None
                assert shell.stdin is not None
                assert len(json.loads(tracerctl.next_line(process))["processes"]) == 1
                shell.stdin.close()
                for line in process.stdout:
                    processes = {each["command"]: each for each in json.loads(line)["processes"]}
                    if "sleep" in processes:
                        break
                assert processes["sleep"]["parent"] == shell.pid
                process.send_signal(signal.SIGINT)
                last = json.loads(process.stdout.readlines()[-1])
        finally:
            os.killpg(shell.pid, signal.SIGKILL)
        assert [each["running"] for each in last["processes"]] == [True, True]


def test_as_many_reports_as_wanted_each_of_its_interval(
    tracerctl: Tracerctl, sleeper: subprocess.Popen[bytes]
) -> None:
    ran = attach(tracerctl, "--count", "3", "--interval", "0.05", "--json", sleeper.pid)
    reports = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [report["interval"] for report in reports] == [1, 2, 3]
    # The stand-in's counters never grow.
    assert [report["processes"][0]["kmalloc"] for report in reports] == [2, 0, 0]
    assert all(0.05 <= report["processes"][0]["seconds"] < 600 for report in reports)


def test_csv_of_several_intervals_is_one_table(
    tracerctl: Tracerctl, sleeper: subprocess.Popen[bytes]
) -> None:
    ran = attach(tracerctl, "--count", "2", "--interval", "0.05", "--csv", sleeper.pid)
    rows = list(csv.DictReader(ran.stdout.splitlines()))
    assert [(row["interval"], row["PID"]) for row in rows] == [
        ("1", str(sleeper.pid)),
        ("2", str(sleeper.pid)),
    ]


def test_a_process_that_cannot_be_added_is_named_beside_the_others(
    tracerctl: Tracerctl,
    sleeper: subprocess.Popen[bytes],
) -> None:
    ran = attach(tracerctl, "--timeout", "0.05", "--csv", 2**31 - 1, sleeper.pid, sleeper.pid)
    assert (ran.returncode, ran.stderr) == (1, f"tracerctl: no process {2**31 - 1}\n")
    assert len(ran.stdout.splitlines()) == 2


def test_nothing_is_reported_if_nothing_could_be_added(tracerctl: Tracerctl) -> None:
    ran = attach(tracerctl, 2**31 - 1)
    assert (ran.returncode, ran.stdout) == (1, "")


def test_it_ends_when_its_reader_has_gone(
    tracerctl: Tracerctl, sleeper: subprocess.Popen[bytes]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run(
        [*tracerctl.command, "attach", "--interval", "0.01", str(sleeper.pid)],
        check=False,
        env=tracerctl.environment,
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=tracerctl.patience,
    )
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (0, b"")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--timeout", "1", "--count", "1", "5"],
        ["--timeout", "1", "--interval", "1", "5"],
        ["--timeout", "0", "5"],
        ["--timeout", "nan", "5"],
        ["--interval", "-1", "5"],
        ["--count", "0", "5"],
        ["--count", "1.5", "5"],
        [],
    ],
)
def test_wrong_usage_of_attach_exits_2(tracerctl: Tracerctl, arguments: list[str]) -> None:
    ran = attach(tracerctl, *arguments)
    assert ran.returncode == 2
    assert "usage: tracerctl attach" in ran.stderr
    assert "Traceback" not in ran.stderr
