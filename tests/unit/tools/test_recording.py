"""What tracerctl record leaves in its file, of real processes and with a device that is not."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest

from tracer_tools.recording.lines import Header
from tracer_tools.recording.reading import Recording, read, summed

if TYPE_CHECKING:
    from tests.unit.tools.conftest import Tracerctl

GROWS = {"STAND_IN_GROWS": "1"}
FAILED = 125
WORDS = ["sh", "-c", "read line; echo out; exit 3"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "recording"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that runs."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


@pytest.fixture
def recorded(tracerctl: Tracerctl, file: Path) -> Recording:
    """Return a recording of a command that ended after some intervals."""
    arguments = ["record", "--interval", "0.05", "-o", str(file), "--", *WORDS]
    with tracerctl.started(*arguments, environment=GROWS, stdin=subprocess.PIPE) as process:
        await_lines(file, 5)
        out, errors = process.communicate(timeout=tracerctl.patience)
    assert (process.returncode, out, errors) == (3, "out\n", "")
    return read(str(file))


def await_lines(file: Path, number: int) -> None:
    """Wait until a file has so many lines."""
    script = 'until [ "$(wc -l < "$0" 2>/dev/null || echo 0)" -ge $1 ]; do sleep 0.02; done'
    subprocess.run(["sh", "-c", script, str(file), str(number)], check=True, timeout=60)


def test_a_command_is_recorded_to_its_end(recorded: Recording) -> None:
    assert recorded.header.command == WORDS
    assert recorded.end is not None
    assert (recorded.end.exit_status, recorded.end.signal) == (3, None)
    assert recorded.end.intervals == recorded.steps[-1].interval > 3
    numbers = [step.interval for step in recorded.steps]
    assert numbers == sorted(set(numbers))


def test_intervals_sum_up_to_the_records(recorded: Recording) -> None:
    (total,) = recorded.totals
    assert {step.process for step in recorded.steps} == {total.process}
    assert all(min(step.counters.values()) >= 0 for step in recorded.steps)
    assert summed([step.counters for step in recorded.steps]) == total.counters
    assert recorded.end is not None
    assert recorded.end.counters == total.counters
    assert not total.lost


def test_it_dies_of_the_signal_that_kills_the_command(tracerctl: Tracerctl, file: Path) -> None:
    ran = tracerctl.call("record", "-o", str(file), "--", "sh", "-c", "kill -KILL $$")
    assert ran.returncode == -signal.SIGKILL
    end = read(str(file)).end
    assert end is not None
    assert (end.exit_status, end.signal) == (None, "SIGKILL")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_ends_the_recording_of_a_process_in_order(
    tracerctl: Tracerctl, file: Path, sleeper: subprocess.Popen[bytes], number: int
) -> None:
    arguments = ["record", "--interval", "0.05", "-o", str(file), str(sleeper.pid)]
    with tracerctl.started(*arguments) as process:
        await_lines(file, 3)
        process.send_signal(number)
        assert process.wait(tracerctl.patience) == 0
    found = read(str(file))
    assert (found.header.pids, found.header.command) == ([sleeper.pid], None)
    assert [total.running for total in found.totals] == [True]
    assert found.missing() == []
    assert sleeper.poll() is None


def test_what_was_written_can_be_read_after_it_was_killed(
    tracerctl: Tracerctl, file: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    arguments = ["record", "--interval", "0.05", "-o", str(file), str(sleeper.pid)]
    with tracerctl.started(*arguments) as process:
        await_lines(file, 3)
        process.kill()
        process.wait(tracerctl.patience)
    found = read(str(file))
    assert found.end is None
    assert "cut off" in found.missing()[0]
    assert found.sums() == summed([step.counters for step in found.steps])


def test_a_full_disk_leaves_whole_lines_and_is_said(tracerctl: Tracerctl, file: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))

    arguments = ["record", "--interval", "0.05", "-o", str(file), "--", "sleep", "0.6"]
    ran = tracerctl.call(*arguments, environment=GROWS, preexec_fn=limit)
    assert ran.returncode == FAILED
    *_, last = ran.stderr.splitlines()
    assert last.startswith(f"tracerctl: cannot write '{file}': File too large: ")
    assert last.endswith("the totals are missing, what came before can be read")
    assert 0 < file.stat().st_size <= 700
    assert file.read_bytes().endswith(b"\n")
    found = read(str(file))
    assert found.end is None
    assert len(found.steps) == 1


def test_a_file_that_cannot_be_made_is_said_before_the_command_runs(
    tracerctl: Tracerctl, tmp_path: Path
) -> None:
    name = tmp_path / "no" / "such" / "folder"
    ran = tracerctl.call("record", "-o", str(name), "--", "touch", "ran", cwd=tmp_path)
    assert ran.returncode == FAILED
    assert ran.stderr == f"tracerctl: cannot write '{name}': No such file or directory\n"
    assert not (tmp_path / "ran").exists()


def test_without_a_name_the_file_is_in_this_folder(tracerctl: Tracerctl, tmp_path: Path) -> None:
    assert tracerctl.call("record", "--", "true", cwd=tmp_path).returncode == 0
    assert read(str(tmp_path / "tracer.ndjson")).end is not None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["make", "-j2"], "'make' is no PID"),
        (["42", "-o", "x"], "'-o' is no PID"),
        ([], "give a PID, or -- and a COMMAND"),
        (["--"], "give a PID, or -- and a COMMAND"),
    ],
)
def test_what_is_neither_is_wrong_usage(
    tracerctl: Tracerctl, tmp_path: Path, words: list[str], message: str
) -> None:
    ran = tracerctl.call("record", *words, cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (FAILED, "")
    assert message in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_is_not_there_is_said(tracerctl: Tracerctl, file: Path) -> None:
    ran = tracerctl.call("record", "-o", str(file), "2147483647")
    assert (ran.returncode, ran.stderr) == (1, "tracerctl: no process 2147483647\n")
    assert not file.exists()


@pytest.mark.parametrize("words", [["2147483647"], ["--", "/nowhere/at/all"]])
def test_an_earlier_recording_stays_where_there_is_nothing_to_record(
    tracerctl: Tracerctl, file: Path, words: list[str]
) -> None:
    assert tracerctl.call("record", "-o", str(file), "--", "true").returncode == 0
    before = file.read_bytes()
    assert tracerctl.call("record", "-o", str(file), *words).returncode in {1, 127}
    assert file.read_bytes() == before


@pytest.mark.parametrize(("name", "status"), [("/", 126), ("/nowhere/at/all", 127)])
def test_what_cannot_be_run_ends_it_as_a_shell_would(
    tracerctl: Tracerctl, file: Path, name: str, status: int
) -> None:
    assert tracerctl.call("record", "-o", str(file), "--", name).returncode == status


def test_what_was_missed_is_in_the_file(tracerctl: Tracerctl, file: Path) -> None:
    environment = {"STAND_IN_LOST": "2", "STAND_IN_MISSED": "5"}
    tracerctl.call("record", "-o", str(file), "--", "true", environment=environment)
    notes = read(str(file)).missing()
    assert [note.split()[:2] for note in notes] == [["2", "processes"], ["5", "samples"]]


@pytest.mark.parametrize("quiet", [False, True])
def test_a_terminal_shows_how_it_goes(tracerctl: Tracerctl, file: Path, quiet: bool) -> None:
    options = ["-o", str(file), *(["--quiet"] if quiet else [])]
    words = [*tracerctl.command[1:], "record", *options, "--interval", "0.05", "--", "sleep", "0.3"]
    environment = {**tracerctl.environment, "PYTHONUNBUFFERED": "1"}
    with pexpect.spawn(sys.executable, words, env=environment, encoding="utf-8") as terminal:
        terminal.expect(pexpect.EOF, timeout=tracerctl.patience)
        shown = terminal.before or ""
    if quiet:
        assert shown == ""
        return
    assert "recording 0 s: 1 process, " in shown
    last = shown.split("\x1b[K")[-1]
    assert last.startswith("recorded 0.")
    assert last.endswith(f"1 process in {file}\r\n")


def test_the_first_line_says_what_the_file_is(tracerctl: Tracerctl, file: Path) -> None:
    tracerctl.call("record", "--interval", "2", "-o", str(file), "--", "true")
    header = json.loads(file.read_text(encoding="utf-8").splitlines()[0])
    assert (header["type"], header["format"], header["schema"]) == ("header", "tracer recording", 1)
    assert header["kernel"] == os.uname().release
    found = read(str(file)).header
    assert found == Header(found.begun, os.uname().release, 2.0, ["true"], None)
