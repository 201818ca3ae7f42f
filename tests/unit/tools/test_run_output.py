"""Where the report of tracerctl run goes, and which streams are the command's."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.tools.conftest import Tracerctl

# No pipe, whose ends the shell itself would have for a moment; and ls must not take its place.
LIST_DESCRIPTORS = "ls /proc/$$/fd; :"


def test_standard_output_is_the_commands_and_the_report_goes_to_standard_error(
    tracerctl: Tracerctl,
) -> None:
    ran = tracerctl.sh("echo out; echo err >&2")
    assert ran.stdout == "out\n"
    lines = ran.stderr.splitlines()
    assert lines[0] == "err"
    assert lines[1].split()[0] == "PID"
    assert lines[3].split()[0] == "total"
    assert len(lines) == 4


def test_the_file_is_opened_before_the_command_and_holds_the_report(
    tracerctl: Tracerctl, tmp_path: Path
) -> None:
    ran = tracerctl.sh("wc -c < report; exit 3", "--csv", "-o", "report", cwd=tmp_path)
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (3, "0", "")
    assert (tmp_path / "report").read_text(encoding="utf-8").startswith("PID,kmalloc,kfree,")


def test_what_was_lost_and_missed_is_said(tracerctl: Tracerctl) -> None:
    ran = tracerctl.run("true", environment={"STAND_IN_LOST": "2", "STAND_IN_MISSED": "5"})
    assert [line.split()[:2] for line in ran.stderr.splitlines()[3:]] == [
        ["2", "processes"],
        ["5", "samples"],
    ]


def test_below_csv_it_is_said_on_standard_error(tracerctl: Tracerctl, tmp_path: Path) -> None:
    report = tmp_path / "report"
    ran = tracerctl.run("--csv", "-o", str(report), "true", environment={"STAND_IN_LOST": "1"})
    assert ran.stderr.startswith("tracerctl: 1 process lost")
    assert "lost" not in report.read_text(encoding="utf-8")


def test_a_reader_that_has_gone_does_not_change_the_exit_status(tracerctl: Tracerctl) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert tracerctl.sh("exit 6", capture_output=False, stderr=writer).returncode == 6
    finally:
        os.close(writer)


def test_without_standard_error_the_report_needs_a_file(
    tracerctl: Tracerctl, tmp_path: Path
) -> None:
    script = f"{' '.join(tracerctl.command)} run -- touch ran 2>&-"
    ran = subprocess.run(["sh", "-c", script], check=False, env=tracerctl.environment, cwd=tmp_path)
    assert ran.returncode == 125
    assert not (tmp_path / "ran").exists()


def test_the_command_inherits_no_file_of_tracerctl(tracerctl: Tracerctl) -> None:
    ran = tracerctl.sh(LIST_DESCRIPTORS, stdin=subprocess.DEVNULL)
    assert ran.stdout.split() == ["0", "1", "2"]


@pytest.mark.parametrize("names", ["0", "1", "2", "01", "012"])
def test_closed_streams_stay_closed(tracerctl: Tracerctl, names: str, tmp_path: Path) -> None:
    keep = f"echo $seen > {tmp_path}/seen"
    closed = " ".join(f"{number}>&-" for number in names)
    look = f"for n in 0 1 2; do [ ! -e /proc/$$/fd/$n ] || seen=$seen$n; done; {keep}"
    command = " ".join(tracerctl.command)
    script = f"{command} run --json -o {tmp_path}/report -- sh -c '{look}; exit 5' {closed}"
    ran = subprocess.run(
        ["sh", "-c", script],
        check=False,
        env=tracerctl.environment,
        stdin=subprocess.PIPE,
        capture_output=True,
        timeout=tracerctl.patience,
    )
    assert ran.returncode == 5
    seen = (tmp_path / "seen").read_text(encoding="utf-8").strip()
    assert seen == "".join(number for number in "012" if number not in names)
    report = json.loads((tmp_path / "report").read_text(encoding="utf-8"))
    assert report["exit_status"] == 5
