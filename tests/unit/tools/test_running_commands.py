"""How tracerctl runs commands, with processes that are real and a device that is not."""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

HERE = Path(__file__).resolve().parent
TOOLS = HERE.parents[2] / "tools"
TRACERCTL = [sys.executable, str(HERE / "stand_in.py")]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(TOOLS)}
PATIENCE_SECONDS = 60


def run(
    *arguments: str,
    environment: dict[str, str] | None = None,
    **settings: Any,  # noqa: ANN401 -- of subprocess
) -> subprocess.CompletedProcess[str]:
    """Run tracerctl run to its end."""
    return subprocess.run(
        [*TRACERCTL, "run", *arguments],
        check=False,
        env={**ENVIRONMENT, **(environment or {})},
        text=True,
        timeout=PATIENCE_SECONDS,
        **{"capture_output": True, **settings},
    )


def sh(
    script: str,
    *options: str,
    **settings: Any,  # noqa: ANN401 -- of subprocess
) -> subprocess.CompletedProcess[str]:
    """Run a script of the shell below tracerctl run."""
    return run(*options, "--", "sh", "-c", script, **settings)


@contextmanager
def started(
    script: str,
    *options: str,
    **settings: Any,  # noqa: ANN401 -- of subprocess
) -> Iterator[subprocess.Popen[str]]:
    """Start a script of the shell below tracerctl run, as a job of its own; and stop it."""
    process = subprocess.Popen(
        [*TRACERCTL, "run", *options, "--", "sh", "-c", script],
        env=ENVIRONMENT,
        preexec_fn=os.setpgrp,  # noqa: PLW1509 -- the tests have no threads
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **settings,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def first_line(file: IO[str] | None) -> str:
    assert file is not None
    assert select.select([file], [], [], PATIENCE_SECONDS)[0], "nothing was said"
    return file.readline().strip()


def state(pid: int) -> str:
    """Return the state of a process as /proc has it, "" if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def await_state(pid: int, wanted: Container[str]) -> None:
    """Wait until a process is in one of the states."""
    end = time.monotonic() + PATIENCE_SECONDS
    while state(pid) not in wanted:
        assert time.monotonic() < end, f"{pid} is {state(pid)!r}, not in {wanted!r}"
        time.sleep(0.01)


@pytest.mark.parametrize("status", [0, 1, 3, 125, 255])
def test_the_exit_status_of_the_command_is_passed_on(status: int) -> None:
    assert sh(f"exit {status}").returncode == status


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV", "PIPE", "INT", "HUP", "USR1"])
def test_it_dies_of_the_signal_that_killed_the_command(name: str, tmp_path: Path) -> None:
    ran = sh(f"kill -{name} $$", "--json", cwd=tmp_path)
    assert ran.returncode == -getattr(signal, f"SIG{name}")
    assert json.loads(ran.stderr)["signal"] == f"SIG{name}"
    assert list(tmp_path.iterdir()) == []


def test_it_leaves_no_core_of_its_own(tmp_path: Path) -> None:
    script = (
        f'ulimit -c unlimited; {" ".join(TRACERCTL)} run -- sh -c "ulimit -c 0; kill -SEGV \\$\\$"'
    )
    ran = subprocess.run(["bash", "-c", script], env=ENVIRONMENT, cwd=tmp_path, check=False)
    assert ran.returncode in {-signal.SIGSEGV, 128 + signal.SIGSEGV}
    assert list(tmp_path.iterdir()) == []


def test_standard_output_is_the_commands_and_the_report_goes_to_standard_error() -> None:
    ran = sh("echo out; echo err >&2")
    assert ran.stdout == "out\n"
    lines = ran.stderr.splitlines()
    assert lines[0] == "err"
    assert lines[1].split()[0] == "PID"
    assert lines[3].split()[0] == "total"
    assert len(lines) == 4


def test_arguments_after_the_command_are_its_own() -> None:
    for options in ([], ["--"]):
        ran = run(*options, "printf", "%s|", "--json", "-o", "--", "x y", "")
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
def test_what_cannot_be_run_is_one_line(command: str, status: int, reason: str) -> None:
    ran = run("--", command)
    assert (ran.returncode, ran.stdout) == (status, "")
    assert ran.stderr == f"tracerctl: cannot run {command!r}: {reason}\n"


def test_a_script_without_an_interpreter_is_given_to_the_shell(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text('echo "$1"; exit 7\n', encoding="ascii")
    script.chmod(0o755)
    ran = run("script", "an argument", environment={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert (ran.returncode, ran.stdout) == (7, "an argument\n")


def test_a_file_that_may_not_be_executed_does_not_hide_a_later_one(tmp_path: Path) -> None:
    (tmp_path / "true").write_text("", encoding="ascii")
    assert run("true", environment={"PATH": f"{tmp_path}:/usr/bin:/bin"}).returncode == 0
    assert run("true", environment={"PATH": str(tmp_path)}).returncode == 126


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
    options: list[str], environment: dict[str, str], reason: str, tmp_path: Path
) -> None:
    ran = run(*options, "touch", "ran", environment=environment, cwd=tmp_path)
    assert ran.returncode == 125
    assert reason in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert (tmp_path / "ran").exists() == (options == ["-o", "/dev/full"])


def test_the_command_is_not_left_alone_when_its_records_cannot_be_read(tmp_path: Path) -> None:
    ran = sh(
        "exec >&- 2>&-; sleep 0.3; touch ran", environment={"STAND_IN_GARBAGE": "1"}, cwd=tmp_path
    )
    assert ran.returncode == 125
    assert ran.stderr.startswith("tracerctl: /dev/tracer: byte 0: no record")
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "arguments",
    [[], ["--"], ["--bogus", "true"], ["--sort", "nothing", "true"], ["--json", "--csv", "true"]],
)
def test_wrong_usage_of_run_exits_125(arguments: list[str]) -> None:
    ran = run(*arguments)
    assert ran.returncode == 125
    assert "usage: tracerctl run" in ran.stderr


def test_its_help_has_examples_and_the_exit_statuses_of_run() -> None:
    ran = run("--help")
    assert ran.returncode == 0
    places = [
        ran.stdout.index(text) for text in ("tracerctl run -- ls", "--per-second", "\n  125 ")
    ]
    assert places == sorted(places)
    assert max(map(len, ran.stdout.splitlines())) <= 80


def test_the_file_is_opened_before_the_command_and_holds_the_report(tmp_path: Path) -> None:
    ran = sh("wc -c < report; exit 3", "--csv", "-o", "report", cwd=tmp_path)
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (3, "0", "")
    assert (tmp_path / "report").read_text(encoding="utf-8").startswith("PID,kmalloc,kfree,")


LIST_DESCRIPTORS = "ls /proc/$$/fd | tr '\\n' ' '"


def test_the_command_inherits_no_file_of_tracerctl() -> None:
    assert sh(LIST_DESCRIPTORS, stdin=subprocess.DEVNULL).stdout.split() == ["0", "1", "2"]


@pytest.mark.parametrize("names", ["0", "1", "2", "01", "012"])
def test_closed_streams_stay_closed(names: str, tmp_path: Path) -> None:
    keep = f"echo $seen > {tmp_path}/seen"
    closed = " ".join(f"{number}>&-" for number in names)
    look = f"for n in 0 1 2; do [ ! -e /proc/$$/fd/$n ] || seen=$seen$n; done; {keep}"
    script = (
        f"{' '.join(TRACERCTL)} run --json -o {tmp_path}/report -- sh -c '{look}; exit 5' {closed}"
    )
    ran = subprocess.run(
        ["sh", "-c", script],
        check=False,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )
    assert ran.returncode == 5
    seen = (tmp_path / "seen").read_text(encoding="utf-8").strip()
    assert seen == "".join(number for number in "012" if number not in names)
    report = json.loads((tmp_path / "report").read_text(encoding="utf-8"))
    assert report["exit_status"] == 5


def test_without_standard_error_the_report_needs_a_file(tmp_path: Path) -> None:
    script = f"{' '.join(TRACERCTL)} run -- touch ran 2>&-"
    ran = subprocess.run(["sh", "-c", script], check=False, env=ENVIRONMENT, cwd=tmp_path)
    assert ran.returncode == 125
    assert not (tmp_path / "ran").exists()


def test_a_reader_that_has_gone_does_not_change_the_exit_status() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert sh("exit 6", capture_output=False, stderr=writer).returncode == 6
    finally:
        os.close(writer)


SHOW_SIGNALS = "grep -E 'Sig(Ign|Blk)' /proc/self/status"


def test_signals_are_as_a_shell_would_hand_them_on() -> None:
    for ignored in (set(), {signal.SIGHUP, signal.SIGINT}):

        def ignore(numbers: set[signal.Signals] = ignored) -> None:
            for number in (signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            for number in numbers:
                signal.signal(number, signal.SIG_IGN)

        ran = run("sh", "-c", SHOW_SIGNALS, preexec_fn=ignore)
        blocked, found = (int(line.split()[1], 16) for line in ran.stdout.splitlines())
        assert blocked == 0
        assert found == sum(1 << number - 1 for number in ignored)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_is_passed_on_to_the_command(number: signal.Signals) -> None:
    with started("echo ready; exec sleep 60", "--json") as process:
        first_line(process.stdout)
        process.send_signal(number)
        assert process.wait(PATIENCE_SECONDS) == -number
        assert process.stderr is not None
        assert json.load(process.stderr)["signal"] == number.name


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_ctrl_c_is_the_commands_and_the_report_is_still_printed(
    number: signal.Signals, tmp_path: Path
) -> None:
    name, report = number.name.removeprefix("SIG"), tmp_path / "report"
    script = f"trap 'echo caught; exit 9' {name}; echo ready; while :; do sleep 0.05; done"
    with started(script, "--json", "-o", str(report)) as process:
        first_line(process.stdout)
        process.send_signal(number)
        os.killpg(process.pid, number)
        assert first_line(process.stdout) == "caught"
        assert process.wait(PATIENCE_SECONDS) == 9
    assert json.loads(report.read_text(encoding="utf-8"))["exit_status"] == 9


def test_ctrl_z_stops_both_and_both_go_on() -> None:
    with started("echo $$; read line; exit 8", stdin=subprocess.PIPE) as process:
        child = int(first_line(process.stdout))
        os.killpg(process.pid, signal.SIGTSTP)
        await_state(child, {"T"})
        await_state(process.pid, {"T"})
        os.killpg(process.pid, signal.SIGCONT)
        await_state(process.pid, {"S", "R"})
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
        assert process.wait(PATIENCE_SECONDS) == 8


def test_the_command_is_in_the_process_group_of_tracerctl() -> None:
    with started("ps -o pgid= -p $$") as process:
        assert int(first_line(process.stdout)) == process.pid


# It says its PID when it has been executed, and then waits for what never comes.
DAEMON = "(setsid sh -c 'echo $$; exec >&- 2>&-; read never <>fifo' <&- &) | head -n 1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with what the daemon reads."""
    os.mkfifo(tmp_path / "fifo")
    return tmp_path


def test_what_still_runs_is_reported_and_left_alone(folder: Path) -> None:
    ran = sh(f"{DAEMON}; exit 4", "--json", cwd=folder)
    daemon = int(ran.stdout)
    try:
        assert ran.returncode == 4
        report = json.loads(ran.stderr)
        found = {process["PID"]: process for process in report["processes"]}
        assert found[daemon]["running"]
        assert found[daemon]["kmalloc"] == 2
        assert sum(process["running"] for process in report["processes"]) == 1
        assert report["total"]["kmalloc"] == 2 * len(found)
        assert state(daemon) in {"S", "R"}
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_wait_waits_for_all_descendants(folder: Path) -> None:
    with started(f"echo $$; {DAEMON}; exit 4", "--wait", "--json", cwd=folder) as process:
        command, daemon = int(first_line(process.stdout)), int(first_line(process.stdout))
        await_state(command, {""})
        assert process.poll() is None
        os.kill(daemon, signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 4
        assert process.stderr is not None
        report = json.load(process.stderr)
    found = {each["PID"]: each for each in report["processes"]}
    assert not found[daemon]["running"]


def test_ctrl_c_ends_the_wait_for_descendants(folder: Path) -> None:
    with started(f"echo $$; {DAEMON}; exit 4", "--wait", "--json", cwd=folder) as process:
        command, daemon = int(first_line(process.stdout)), int(first_line(process.stdout))
        try:
            await_state(command, {""})
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_SECONDS) == 4
            assert process.stderr is not None
            assert json.load(process.stderr)["processes"][-1]["running"]
            assert state(daemon) in {"S", "R"}
        finally:
            os.kill(daemon, signal.SIGKILL)


def test_only_the_command_itself_without_following() -> None:
    ran = sh("sleep 0 & wait; (setsid sleep 0.1 &) ; exit 2", "--no-follow", "--json")
    assert ran.returncode == 2
    assert len(json.loads(ran.stderr)["processes"]) == 1


def test_what_was_lost_and_missed_is_said() -> None:
    ran = run("true", environment={"STAND_IN_LOST": "2", "STAND_IN_MISSED": "5"})
    assert [line.split()[:2] for line in ran.stderr.splitlines()[3:]] == [
        ["2", "processes"],
        ["5", "samples"],
    ]


def test_below_csv_it_is_said_on_standard_error(tmp_path: Path) -> None:
    report = tmp_path / "report"
    ran = run("--csv", "-o", str(report), "true", environment={"STAND_IN_LOST": "1"})
    assert ran.stderr.startswith("tracerctl: 1 process lost")
    assert "lost" not in report.read_text(encoding="utf-8")
