"""What the lab says where it cannot run programs of another architecture."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer_lab.errors import LabError
from tracer_lab.foreign import ensure_runs


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all commands that can be found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def put(commands: Path, name: str, script: str) -> None:
    (commands / name).write_text(f"#!/bin/sh\n{script}\n")
    (commands / name).chmod(0o755)


@pytest.mark.usefixtures("commands")
def test_the_usual_architecture_needs_nothing() -> None:
    ensure_runs("amd64")


@pytest.mark.usefixtures("commands")
def test_missing_emulators_are_named_with_their_packages() -> None:
    with pytest.raises(LabError, match="qemu-system-aarch64, arch-test not found") as error:
        ensure_runs("arm64")
    assert "qemu-system-arm" in error.value.hint


def test_a_kernel_that_starts_no_foreign_programs_is_told_to(commands: Path) -> None:
    put(commands, "qemu-system-aarch64", "")
    put(commands, "arch-test", 'echo "$1: not supported"; exit 1')
    with pytest.raises(LabError, match="does not run programs of arm64") as error:
        ensure_runs("arm64")
    assert "binfmt_misc" in error.value.hint


def test_emulators_that_work_are_enough(commands: Path) -> None:
    put(commands, "qemu-system-aarch64", "")
    put(commands, "arch-test", 'test "$1" = arm64')
    ensure_runs("arm64")
