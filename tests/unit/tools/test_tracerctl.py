from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tracer_tools import COLUMNS, RequestError, Row
from tracer_tools.ctl import cli

# Unbuffered, argparse itself swallows what goes wrong while help is printed.
CALM = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
TOOLS = Path(__file__).resolve().parents[3] / "tools"
ROWS = [Row(42, 1, 2, 3, 4, 5, 6, 7, 8, 9), Row(43, 0, 0, 0, 0, 0, 0, 0, 0, 0)]


def tracerctl(
    *arguments: str, stdout: int | None = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """Run tracerctl as its own process on this machine."""
    return subprocess.run(
        [sys.executable, "-m", "tracer_tools.ctl.cli", *arguments],
        check=False,
        env={**CALM, "PYTHONPATH": str(TOOLS)},
        stderr=subprocess.PIPE,
        stdout=stdout,
        text=True,
    )


@pytest.mark.parametrize("pid", ["abc", "0", "-3", "1.5", "1_0", "٣", "2147483648", "9" * 400, ""])
def test_what_is_no_pid_is_wrong_usage(pid: str) -> None:
    ran = tracerctl("add", "--", pid)
    assert ran.returncode == 2
    assert "is no PID: give a number from 1 to 2147483647" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("arguments", [[], ["add"], ["remove"], ["lis"], ["--lis"], ["list", "-x"]])
def test_wrong_usage_exits_2(arguments: list[str]) -> None:
    ran = tracerctl(*arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "usage: tracerctl" in ran.stderr


def test_help_shows_examples_before_options() -> None:
    text = tracerctl("--help").stdout
    assert text.index("tracerctl add 4242") < text.index("-h, --help") < text.index("exit status:")
    assert max(map(len, text.splitlines())) <= 80


def test_a_full_disk_is_one_line_and_exit_1() -> None:
    with Path("/dev/full").open("w", encoding="ascii") as full:
        ran = tracerctl("--help", stdout=full.fileno())
    assert ran.returncode == 1
    assert ran.stderr == "tracerctl: cannot write: No space left on device\n"


def test_a_closed_standard_output_is_one_line_and_exit_1() -> None:
    ran = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m tracer_tools.ctl.cli --help >&-"],
        check=False,
        env={**CALM, "PYTHONPATH": str(TOOLS)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (1, "tracerctl: standard output is closed\n")


def test_a_reader_that_has_gone_ends_it_in_silence() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ran = tracerctl("--help", stdout=writer)
    finally:
        os.close(writer)
    assert (ran.returncode, ran.stderr) == (-signal.SIGPIPE, "")


def test_every_process_is_tried_and_the_refused_ones_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = []

    def request(pid: int) -> None:
        asked.append(pid)
        if pid != 2:
            raise RequestError(f"no process {pid}", pid=pid, errno=3)

    assert cli.for_each(request, [1, 2, 3]) == 1
    assert asked == [1, 2, 3]
    assert capsys.readouterr().err == "tracerctl: no process 1\ntracerctl: no process 3\n"


def listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str, str]:
    monkeypatch.setattr(cli, "snapshot", lambda: ROWS)
    parsed = cli.build_parser().parse_args(["list", *arguments])
    status = parsed.run(parsed)
    return status, *capsys.readouterr()


def test_json_is_one_document_with_the_columns_as_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = listed(monkeypatch, capsys, "--json")
    document = json.loads(out)
    assert (status, document["schema"]) == (0, 1)
    assert [process["PID"] for process in document["processes"]] == [42, 43]
    assert set(document["processes"][0]) == {*COLUMNS, "command"}
    assert document["processes"][0]["kmalloc_mem"] == 3


def test_a_process_that_is_not_monitored_is_named_beside_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = listed(monkeypatch, capsys, "43", "44")
    assert status == 1
    assert [line.split()[0] for line in out.splitlines()] == ["PID", "43"]
    assert err == "tracerctl: process 44 is not monitored\n"


def test_a_pipe_gets_no_colour(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in listed(monkeypatch, capsys)[1]
