"""Images of root file systems, as e2fsprogs reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer_lab import disk
from tracer_lab.commands import run
from tracer_lab.disk import make_disk
from tracer_lab.errors import LabError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(disk, "as_root", list)
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "hostname").write_text("disk\n")
    return root


def read(image: Path, name: str) -> str:
    """A file of an image."""
    return run(["env", "PATH=/usr/sbin:/sbin", "debugfs", "-R", f"cat {name}", str(image)])


def test_a_disk_holds_the_files_of_the_root(root: Path) -> None:
    image = root.with_name("disk.img")
    make_disk(root, image, "8M")
    assert image.stat().st_size == 8 << 20
    assert read(image, "/etc/hostname") == "disk\n"


def test_a_disk_is_made_anew(root: Path) -> None:
    image = root.with_name("disk.img")
    image.write_bytes(b"\xff" * (16 << 20))
    make_disk(root, image, "8M")
    assert image.stat().st_size == 8 << 20


def test_a_root_that_does_not_fit_is_an_error(root: Path) -> None:
    (root / "large").write_bytes(b"\xff" * (16 << 20))
    with pytest.raises(LabError):
        make_disk(root, root.with_name("disk.img"), "8M")
