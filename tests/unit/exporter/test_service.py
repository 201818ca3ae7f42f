"""The exporter as a process of its own, with real processes and signals and no module."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

TREE = Path(__file__).resolve().parents[3]
PATIENCE = 60
COMMAND = f"tracer-{os.getpid()}"
pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="this Python has no tomllib")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@dataclass
class Exporter:
    """Where an exporter runs, and what it says."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    heard: str = ""

    @property
    def rules(self) -> Path:
        return self.folder / "rules"

    def rule(self, name: str, text: str) -> None:
        self.rules.mkdir(exist_ok=True)
        (self.rules / name).write_text(text)

    def command(self, *arguments: str) -> list[str]:
        script = str(Path(__file__).with_name("stand_in.py"))
        return [
            sys.executable,
            script,
            "--rules",
            str(self.rules),
            "--interval",
            "0.05",
            *arguments,
        ]

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": f"{TREE}:{TREE}/tools",
            "RUNTIME_DIRECTORY": str(self.folder / "run"),
            "STAND_IN_ROOT": str(self.folder / "machine"),
        }

    @contextmanager
    def running(self, *arguments: str) -> Iterator[None]:
        options = arguments or ("--listen", f"127.0.0.1:{self.port}")
        command = self.command(*options)
        self.process = subprocess.Popen(command, env=self.environment, stderr=subprocess.PIPE)
        try:
            yield
        finally:
            self.process.kill()
            self.process.communicate()

    def hears(self, words: str) -> str:
        """Wait until the exporter says this, and return the line."""
        assert self.process is not None
        assert self.process.stderr is not None
        end = time.monotonic() + PATIENCE
        while words not in self.heard:
            left = max(end - time.monotonic(), 0)
            assert select.select([self.process.stderr], [], [], left)[0], self.heard
            data = os.read(self.process.stderr.fileno(), 65536).decode()
            assert data, self.heard
            self.heard += data
        (line, *_) = [line for line in self.heard.splitlines() if words in line]
        return line

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def ended(self) -> int:
        assert self.process is not None
        return self.process.wait(PATIENCE)

    def page(self) -> dict[str, float]:
        address = f"http://127.0.0.1:{self.port}/metrics"
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
            return values(answer.read().decode())

    def await_value(self, name: str, value: float) -> dict[str, float]:
        """Wait until a metric has this value, and return the page."""
        end = time.monotonic() + PATIENCE
        page: dict[str, float] = {}
        while page.get(name) != value:
            assert time.monotonic() < end, (name, value, page, self.heard)
            with suppress(OSError):
                page = self.page()
        return page


def values(text: str) -> dict[str, float]:
    """The values by name, and in brackets the group."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            group = sample.labels.get("group")
            found[sample.name + (f"[{group}]" if group else "")] = sample.value
    return found


@pytest.fixture
def exporter(tmp_path: Path) -> Exporter:
    made = Exporter(tmp_path)
    made.rule("own.toml", f'[own]\ncommand = "{COMMAND}"\n')
    return made


@contextmanager
def sleeping() -> Iterator[None]:
    """A process that the rule names, and that no other test has."""
    script = f"import sys; open('/proc/self/comm', 'w').write('{COMMAND}'); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as process:
        yield
        process.communicate()


@pytest.fixture
def sleeper() -> Iterator[None]:
    with sleeping():
        yield


def test_processes_come_and_go_and_their_counts_stay(exporter: Exporter) -> None:
    with exporter.running():
        for number in range(1, 4):
            with sleeping():
                page = exporter.await_value("tracer_group_processes[own]", 1)
                assert page["tracer_kmalloc_calls_total[own]"] == 2 * number
            page = exporter.await_value("tracer_group_processes[own]", 0)
            assert page["tracer_kmalloc_calls_total[own]"] == 2 * number
        assert page["tracer_up"] == 1


def test_a_signal_ends_it_in_order(exporter: Exporter) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with exporter.running():
            exporter.await_value("tracer_up", 1)
            exporter.signal(number)
            assert exporter.ended() == 0
        assert (exporter.folder / "run" / "lock").read_text() == ""


def test_a_second_one_refuses_in_one_line(exporter: Exporter) -> None:
    with exporter.running():
        exporter.await_value("tracer_up", 1)
        assert exporter.process is not None
        second = subprocess.run(
            exporter.command("--listen", f"127.0.0.1:{free_port()}"),
            capture_output=True,
            check=False,
            env=exporter.environment,
            text=True,
            timeout=PATIENCE,
        )
        assert second.returncode == 1
        assert second.stderr == (
            "prometheus-tracer-exporter: an exporter runs already, as process "
            f"{exporter.process.pid}: a process is monitored once; stop that one first\n"
        )
        assert exporter.page()["tracer_up"] == 1


def test_a_taken_port_is_one_line(exporter: Exporter) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with exporter.running("--listen", address):
            line = exporter.hears("cannot listen")
            assert exporter.ended() == 1
    assert line == (
        f"prometheus-tracer-exporter: cannot listen on {address}: Address already in use: "
        "another program has it; give another one with --listen"
    )


def test_a_bad_file_is_named_and_the_others_count(exporter: Exporter, sleeper: None) -> None:
    exporter.rule("bad.toml", '[bad]\n\ncomand = "sleep"\n')
    with exporter.running():
        line = exporter.hears("comand")
        assert f"{exporter.rules}/bad.toml: line 3: unknown key 'comand'" in line
        page = exporter.await_value("tracer_group_processes[own]", 1)
        assert "tracer_group_processes[bad]" not in page


def test_sighup_reads_the_rules_again(exporter: Exporter, sleeper: None) -> None:
    with exporter.running():
        page = exporter.await_value("tracer_group_processes[own]", 1)
        exporter.rule("a.toml", '[new]\ncommand = "no such"\n')
        (exporter.rules / "own.toml").write_text("[own]\nuser = 3\n")
        exporter.signal(signal.SIGHUP)
        exporter.hears("own.toml: line 2: user is no text")
        again = exporter.await_value("tracer_group_processes[new]", 0)
        # The file with the fault goes on as it was.
        for name in ("tracer_group_processes[own]", "tracer_kmalloc_calls_total[own]"):
            assert again[name] == page[name]
        (exporter.rules / "own.toml").unlink()
        exporter.heard = ""
        exporter.signal(signal.SIGHUP)
        exporter.hears(": 1, groups: 1")
        assert "tracer_group_processes[own]" not in exporter.page()


def test_without_rules_it_waits_for_some(exporter: Exporter) -> None:
    (exporter.rules / "own.toml").unlink()
    exporter.rules.rmdir()
    with exporter.running():
        exporter.hears("cannot be read: No such file or directory; the rules stay as they are")
        exporter.await_value("tracer_up", 1)


def test_a_file_for_node_exporter_is_whole_and_goes_at_the_end(
    exporter: Exporter, sleeper: None
) -> None:
    file = exporter.folder / "tracer.prom"
    with exporter.running("--textfile", str(file)):
        end = time.monotonic() + PATIENCE
        while not file.exists():
            assert time.monotonic() < end, exporter.heard
            time.sleep(0.01)
        page = values(file.read_text())
        assert (page["tracer_up"], page["tracer_group_processes[own]"]) == (1, 1)
        exporter.signal(signal.SIGTERM)
        assert exporter.ended() == 0
    assert list(exporter.folder.glob("tracer.prom*")) == []


def test_a_file_that_cannot_be_written_is_said(exporter: Exporter) -> None:
    file = exporter.folder / "missing" / "tracer.prom"
    with exporter.running("--textfile", str(file)):
        line = exporter.hears("cannot write")
    assert line == (f"prometheus-tracer-exporter: cannot write {file}: No such file or directory")
