"""The arguments of the command."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tracer_exporter.cli import build_parser
from tracer_exporter.lock import Lock
from tracer_exporter.options import Address, address_argument, most_argument, textfile_argument
from tracer_tools import TracerError

TOOLS = Path(__file__).resolve().parents[3] / "tools"


def exporter(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tracer_exporter.cli", *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(TOOLS)},
        text=True,
    )


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:10042", "127.0.0.1", 10042),
        ("[::1]:9", "::1", 9),
        ("localhost:65535", "localhost", 65535),
    ],
)
def test_an_address_has_a_port(text: str, host: str, port: int) -> None:
    assert address_argument(text) == Address(host, port)
    assert str(address_argument(text)) == text


@pytest.mark.parametrize("text", ["", "10042", ":10042", "::1:10042", "a:0", "a:65536", "a:b"])
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"give 127\.0\.0\.1:10042 or"):
        address_argument(text)


def test_the_cap_has_a_cap() -> None:
    assert most_argument("10000") == 10000
    with pytest.raises(argparse.ArgumentTypeError, match="10000 at most"):
        most_argument("10001")


def test_per_process_has_a_cap_if_none_is_given() -> None:
    parser = build_parser()
    assert parser.parse_args([]).per_process is None
    assert parser.parse_args(["--per-process"]).per_process == 1000
    assert parser.parse_args(["--per-process", "5"]).per_process == 5


def test_a_file_that_node_exporter_skips_is_refused() -> None:
    assert textfile_argument("/a/b.prom") == Path("/a/b.prom")
    with pytest.raises(argparse.ArgumentTypeError, match=r"only reads names ending in \.prom"):
        textfile_argument("/a/b.txt")


def test_wrong_usage_exits_2() -> None:
    ran = exporter("--listen", "10042")
    assert ran.returncode == 2
    assert "give 127.0.0.1:10042" in ran.stderr
    assert exporter("--textfile", "/a.prom", "--listen", "a:1").returncode == 2


def test_help_fits_80_columns_and_begins_with_examples() -> None:
    text = exporter("--help").stdout
    assert text.index("systemctl enable") < text.index("-h, --help") < text.index("exit status:")
    assert max(map(len, text.splitlines())) <= 80


def test_a_lock_is_had_once(tmp_path: Path) -> None:
    lock = Lock(tmp_path)
    with pytest.raises(TracerError) as caught:
        Lock(tmp_path)
    assert str(caught.value) == (
        f"an exporter runs already, as process {os.getpid()}: "
        "a process is monitored once; stop that one first"
    )
    lock.release()
    Lock(tmp_path).release()


def test_a_lock_tells_whether_its_last_holder_came_to_an_end(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from tracer_exporter.lock import Lock;"
    script += "Lock(Path(sys.argv[1])); import os; os.kill(os.getpid(), 9)"
    command = [sys.executable, "-c", script, str(tmp_path)]
    subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": str(TOOLS)})
    lock = Lock(tmp_path)
    assert lock.was_left_behind
    lock.release()
    lock = Lock(tmp_path)
    assert not lock.was_left_behind
    lock.release()


def test_a_folder_that_cannot_be_had_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TracerError, match="set RUNTIME_DIRECTORY"):
        Lock(tmp_path / "file" / "folder")
