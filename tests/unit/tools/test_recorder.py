"""How reports become the lines of a recording, also where not all of them can be written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from tests.unit.tools.recordings import HEADER, counters

from tracer_tools.ctl.report import Ending, Measured, Report, of_record
from tracer_tools.recording.reading import Recording, read
from tracer_tools.recording.recorder import Recorder, WholeLines
from tracer_tools.records import Record
from tracer_tools.table import COUNTERS, Row


class Disk(WholeLines):
    """A file on a disk that is full whenever that is wanted."""

    full = False

    def append(self, text: str) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().append(text)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(str(tmp_path / "recording"))


@pytest.fixture
def recorder(disk: Disk) -> Recorder:
    return Recorder(disk, HEADER, None)


def runs(number: int, count: int) -> Measured:
    """Return a process that is monitored, with what it has counted in all."""
    whole = counters(count)
    return Measured(100 + number, 1, "cat", None, 1.0, whole, whole, number=number)


def ended(number: int, count: int, *, withheld: bool = False) -> Measured:
    """Return a process that has ended, by its record."""
    row = Row(100 + number, *[0 if withheld else count] * len(COUNTERS))
    flags = {"in_tree": True, "withheld": withheld, "running": False}
    numbers = {"exit_status": 0, "missed": 0, "lost": 0, "unfollowed": 0}
    record = Record(row, 1, "cat", added_ns=0, ended_ns=2 * 10**9, **flags, **numbers)  # type: ignore[arg-type]
    measured = of_record(record, 1.0)
    return Measured(**{**vars(measured), "number": number})


def written(disk: Disk) -> Recording:
    return read(disk.name)


def steps(found: Recording) -> list[tuple[int, int, float, int]]:
    """Return interval, process, length and count of each line."""
    return [
        (step.interval, step.process, step.seconds, step.counters["kmalloc"])
        for step in found.steps
    ]


def test_an_interval_is_what_came_since_the_one_before(disk: Disk, recorder: Recorder) -> None:
    recorder.write(Report([runs(1, 10)], 1.0))
    recorder.write(Report([runs(1, 13), runs(2, 5)], 1.0))
    recorder.write(Report([ended(1, 20), ended(2, 5)], 0.5, ending=Ending(0, None), last=True))
    found = written(disk)
    assert steps(found) == [
        *((1, 1, 1.0, 10), (2, 1, 1.0, 3), (2, 2, 1.0, 5)),
        *((3, 1, 0.5, 7), (3, 2, 0.5, 0)),
    ]
    assert [step.at for step in found.steps] == [1.0, 2.0, 2.0, 2.5, 2.5]
    assert [total.counters["kmalloc"] for total in found.totals] == [20, 5]
    assert recorder.complete


def test_nothing_is_lost_on_a_disk_that_was_full_for_a_while(
    disk: Disk, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.write(Report([runs(1, 10), runs(2, 4)], 1.0))
    disk.full = True
    recorder.write(Report([ended(2, 9), runs(1, 20)], 1.0))
    recorder.write(Report([runs(1, 30)], 1.0))
    disk.full = False
    recorder.write(Report([runs(1, 41)], 1.0))
    recorder.write(Report([ended(1, 41)], 1.0, last=True))
    found = written(disk)
    assert steps(found)[2:] == [(2, 2, 3.0, 5), (2, 1, 3.0, 31), (3, 1, 1.0, 0)]
    assert [total.counters["kmalloc"] for total in found.totals] == [41, 9]
    assert found.missing() == []
    assert capsys.readouterr().err.count("\n") == 1


def test_a_disk_that_stays_full_leaves_what_came_before(disk: Disk, recorder: Recorder) -> None:
    recorder.write(Report([runs(1, 10)], 1.0))
    disk.full = True
    recorder.write(Report([ended(1, 20)], 1.0, last=True))
    found = written(disk)
    assert not recorder.complete
    assert found.end is None
    assert found.sums() == counters(10)


def test_half_a_write_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = WholeLines(str(tmp_path / "file"))
    file.append("first\n")
    write = os.write
    left = [3]

    def write_little(descriptor: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, "full")
        done = write(descriptor, data[: left[0]])
        left[0] -= done
        return done

    monkeypatch.setattr(os, "write", write_little)
    with pytest.raises(OSError, match="full"):
        file.append("second\n")
    assert (tmp_path / "file").read_text(encoding="ascii") == "first\n"
    left[0] = 100
    file.append("third\n")
    assert (tmp_path / "file").read_text(encoding="ascii") == "first\nthird\n"


def test_a_process_whose_record_was_lost_has_the_sum_of_its_intervals(
    disk: Disk, recorder: Recorder
) -> None:
    recorder.write(Report([runs(1, 10)], 1.0))
    recorder.write(Report([runs(1, 12)], 1.0))
    recorder.write(Report([ended(2, 7)], 1.0, lost=1, last=True))
    found = written(disk)
    assert [(total.counters["kmalloc"], total.lost) for total in found.totals] == [
        (12, True),
        (7, False),
    ]
    assert found.missing() == ["1 process lost, for too many ended at once: the total is too low."]


def test_of_one_that_became_another_users_what_was_seen_before_stays(
    disk: Disk, recorder: Recorder
) -> None:
    recorder.write(Report([runs(1, 10)], 1.0))
    recorder.write(Report([ended(1, 0, withheld=True)], 1.0, last=True))
    found = written(disk)
    assert [(total.counters["kmalloc"], total.withheld) for total in found.totals] == [(10, True)]
    assert found.missing()[0].startswith("1 process withheld")
