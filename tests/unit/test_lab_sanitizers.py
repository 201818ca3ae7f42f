"""The cells with sanitizers, without their guests: which there are, and what is made of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tracer_lab import kernel_builds
from tracer_lab.cells import SANITIZER_CELLS
from tracer_lab.errors import LabError
from tracer_lab.guest_suite import Setting, command_for
from tracer_lab.in_sanitizer import watch
from tracer_lab.matrix import all_jobs, select
from tracer_lab.sanitizers import setting_of

NAMES = [cell.name + engine for engine in ("", "-ftrace") for cell in SANITIZER_CELLS]
LOCKS_AT_WORK = " lock-classes:  1204 [max: 8192]\n debug_locks:                             1\n"
RACES_AT_WORK = "enabled: 1\nused_watchpoints: 0\nsetup_watchpoints: 5124\n"


def test_they_are_run_by_their_names_and_in_no_usual_run() -> None:
    jobs = all_jobs()
    assert [job.name for job in select(jobs, "sanitizer*")] == NAMES
    assert not set(NAMES) & {job.name for job in select(jobs)}
    assert set(NAMES) <= {job.name for job in select(jobs, everything=True)}
    assert not any(job.in_every_run for job in jobs if job.name in NAMES)


def test_a_warning_ends_the_guest_but_where_the_rest_of_the_kernel_has_races() -> None:
    for cell in SANITIZER_CELLS:
        strict = "panic_on_warn=1" in setting_of(cell).arguments
        assert strict is not cell.finds_races


def test_the_tests_run_within_what_asks_the_sanitizers() -> None:
    usual = command_for("zombie", Setting())
    watched = command_for("zombie", Setting(sanitizers=True))
    assert usual[1].endswith("run.py")
    assert usual[-1] == "zombie"
    assert watched[1].endswith("watch.py")
    assert watched[3:] == usual


def test_tests_that_need_faults_run_where_the_kernel_has_fault_injection() -> None:
    for cell in SANITIZER_CELLS:
        assert setting_of(cell).faults is ("sanitizers" in cell.fragments)
    assert "--faults" in command_for("", Setting(faults=True))
    assert "--faults" not in command_for("", Setting())


def test_sanitizers_at_work_and_those_that_a_kernel_does_not_have_are_in_order() -> None:
    assert list(watch.idle(LOCKS_AT_WORK, RACES_AT_WORK)) == []
    assert list(watch.idle("", "")) == []


@pytest.mark.parametrize(
    ("locks", "races", "said"),
    [
        (LOCKS_AT_WORK.replace(" 1\n", " 0\n"), "", "lockdep has turned itself off"),
        ("", RACES_AT_WORK.replace("enabled: 1", "enabled: 0"), "KCSAN is turned off"),
        ("", RACES_AT_WORK.replace("5124", "0"), "KCSAN has watched nothing"),
    ],
)
def test_a_sanitizer_that_looks_at_nothing_is_amiss(locks: str, races: str, said: str) -> None:
    (line,) = watch.idle(locks, races)
    assert line.startswith(said)


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what watch.py reads of a kernel: no modules, lockdep at work."""
    for name, text in (("MODULES", ""), ("LOCKS", LOCKS_AT_WORK)):
        (tmp_path / name).write_text(text)
    for name in ("MODULES", "LOCKS", "RACES", "LEAKS"):
        monkeypatch.setattr(watch, name, tmp_path / name)
    monkeypatch.setattr(watch, "SECONDS_TO_AGE", 0)
    return tmp_path


def test_the_exit_status_is_that_of_the_command(guest: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit(7)"]
    assert watch.main(guest / "report", command) == 7
    assert (guest / "report").read_text() == "end\n"


def test_what_kmemleak_lists_after_the_command_is_in_the_report(
    guest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    (guest / "LEAKS").write_text("unreferenced object 0xffff8880 (size 64):\n")

    def note(path: Path, text: str, **_: str) -> None:
        written.append(f"{path.name} {text}")

    monkeypatch.setattr(Path, "write_text", note)
    watch.main(guest / "report", ["true"])
    scan, clear = "LEAKS scan", "LEAKS clear"
    report = "report unreferenced object 0xffff8880 (size 64):\nend\n"
    assert written == [scan, scan, clear, scan, scan, report]


def test_a_kernel_without_sanitizers_is_amiss(guest: Path) -> None:
    (guest / "LOCKS").unlink()
    watch.main(guest / "report", ["true"])
    assert "the kernel has no sanitizers" in (guest / "report").read_text()


def test_the_kernel_is_kept_if_the_build_made_both_packages(tmp_path: Path) -> None:
    share, target = tmp_path / "share", tmp_path / "kernel"
    names = ["linux-headers-6.1.192-sanitizer-amd64_1_amd64.deb", "linux-libc-dev_1_amd64.deb"]
    (share / "source").mkdir(parents=True)
    for name in (*names, "source/.config"):
        (share / name).touch()
    with pytest.raises(LabError, match=r"made 0 files linux-image-\*.deb, not one"):
        kernel_builds.keep(share, target)
    (share / "linux-image-6.1.192-sanitizer-amd64_1_amd64.deb").touch()
    kernel_builds.keep(share, tmp_path / "another")
    kept = sorted(path.name for path in (tmp_path / "another").iterdir())
    assert kept == ["config", names[0], "linux-image-6.1.192-sanitizer-amd64_1_amd64.deb"]
