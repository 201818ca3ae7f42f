"""How tracerctl attaches to processes that are real, with a device that is not."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TRACERCTL = [sys.executable, str(HERE / "stand_in.py")]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE.parents[2] / "tools")}
PATIENCE_SECONDS = 60


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that runs."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def attach(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TRACERCTL, "attach", *map(str, arguments)],
        capture_output=True,
        check=False,
        env=ENVIRONMENT,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


def test_a_timeout_ends_it_and_the_process_goes_on(sleeper: subprocess.Popen[bytes]) -> None:
    ran = attach("--timeout", "0.1", "--json", sleeper.pid)
    assert (ran.returncode, ran.stderr) == (0, "")
    report = json.loads(ran.stdout)
    (process,) = report["processes"]
    assert (process["PID"], process["running"], process["kmalloc"]) == (sleeper.pid, True, 2)
    assert process["command"] == "sleep"
    assert process["seconds"] >= 0.1
    assert "command" not in report
    assert sleeper.poll() is None


def test_it_ends_when_all_have_ended(sleeper: subprocess.Popen[bytes]) -> None:
    with subprocess.Popen(["sleep", "600"]) as other:
        arguments = ["attach", "--json", "--interval", "600", str(sleeper.pid), str(other.pid)]
        with subprocess.Popen(
            [*TRACERCTL, *arguments], env=ENVIRONMENT, stdout=subprocess.PIPE
        ) as tracerctl:
            sleeper.kill()
            other.kill()
            out, _ = tracerctl.communicate(timeout=PATIENCE_SECONDS)
    if tracerctl.returncode == 0:  # else they had ended before they were added
        report = json.loads(out)
        assert not any(process["running"] for process in report["processes"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_is_a_normal_end(sleeper: subprocess.Popen[bytes], number: int) -> None:
    arguments = ["attach", "--json", "--interval", "0.05", str(sleeper.pid)]
    with subprocess.Popen(
        [*TRACERCTL, *arguments], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as tracerctl:
        assert tracerctl.stdout is not None
        first = json.loads(tracerctl.stdout.readline())
        tracerctl.send_signal(number)
        rest = [json.loads(line) for line in tracerctl.stdout]
        assert tracerctl.wait(PATIENCE_SECONDS) == 0
    intervals = [first["interval"], *(report["interval"] for report in rest)]
    assert intervals == list(range(1, len(intervals) + 1))
    assert len(intervals) >= 2


def test_with_tree_what_it_starts_is_counted_too() -> None:
    environment = {**ENVIRONMENT, "STAND_IN_TREE": f"of {os.getpid()}"}
    with subprocess.Popen(
        ["sh", "-c", "read line; sleep 600 & wait"],
        env=environment,
        stdin=subprocess.PIPE,
        start_new_session=True,
    ) as shell:
        arguments = ["attach", "--tree", "--json", "--interval", "0.05", str(shell.pid)]
        with subprocess.Popen(
            [*TRACERCTL, *arguments], env=environment, stdout=subprocess.PIPE, text=True
        ) as tracerctl:
            assert tracerctl.stdout is not None
            assert shell.stdin is not None
            assert len(json.loads(tracerctl.stdout.readline())["processes"]) == 1
            shell.stdin.close()
            for line in tracerctl.stdout:
                processes = {each["command"]: each for each in json.loads(line)["processes"]}
                if "sleep" in processes:
                    break
            assert processes["sleep"]["parent"] == shell.pid
            tracerctl.send_signal(signal.SIGINT)
            last = json.loads(tracerctl.stdout.readlines()[-1])
        assert [process["running"] for process in last["processes"]] == [True, True]
        os.killpg(shell.pid, signal.SIGKILL)


def test_as_many_reports_as_wanted_each_of_its_interval(sleeper: subprocess.Popen[bytes]) -> None:
    ran = attach("--count", "3", "--interval", "0.05", "--json", sleeper.pid)
    reports = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [report["interval"] for report in reports] == [1, 2, 3]
    # The stand-in's counters never grow.
    assert [report["processes"][0]["kmalloc"] for report in reports] == [2, 0, 0]
    assert all(0.05 <= report["processes"][0]["seconds"] < 600 for report in reports)


def test_csv_of_several_intervals_is_one_table(sleeper: subprocess.Popen[bytes]) -> None:
    ran = attach("--count", "2", "--interval", "0.05", "--csv", sleeper.pid)
    rows = list(csv.DictReader(ran.stdout.splitlines()))
    assert [(row["interval"], row["PID"]) for row in rows] == [
        ("1", str(sleeper.pid)),
        ("2", str(sleeper.pid)),
    ]


def test_a_process_that_cannot_be_added_is_named_beside_the_others(
    sleeper: subprocess.Popen[bytes],
) -> None:
    ran = attach("--timeout", "0.05", "--csv", 2**31 - 1, sleeper.pid, sleeper.pid)
    assert (ran.returncode, ran.stderr) == (1, f"tracerctl: no process {2**31 - 1}\n")
    assert len(ran.stdout.splitlines()) == 2


def test_nothing_is_reported_if_nothing_could_be_added() -> None:
    ran = attach(2**31 - 1)
    assert (ran.returncode, ran.stdout) == (1, "")


def test_it_ends_when_its_reader_has_gone(sleeper: subprocess.Popen[bytes]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run(
        [*TRACERCTL, "attach", "--interval", "0.01", str(sleeper.pid)],
        check=False,
        env=ENVIRONMENT,
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=PATIENCE_SECONDS,
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
def test_wrong_usage_of_attach_exits_2(arguments: list[str]) -> None:
    ran = attach(*arguments)
    assert ran.returncode == 2
    assert "usage: tracerctl attach" in ran.stderr
    assert "Traceback" not in ran.stderr
