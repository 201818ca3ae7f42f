"""What the lab makes once and keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer_lab import accel, roots
from tracer_lab import cache as cache_module
from tracer_lab.cache import cache_dir, key_of, made_once
from tracer_lab.cells import cell_named
from tracer_lab.errors import LabError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRACER_LAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_cache_is_where_the_variable_says(cache: Path) -> None:
    assert cache_dir() == cache
    assert cache.is_dir()


def test_a_key_changes_with_each_fact() -> None:
    keys = {key_of(), key_of("a"), key_of("b"), key_of("a", "b"), key_of("ab"), key_of("b", "a")}
    assert len(keys) == 6


def test_a_key_changes_with_the_name_and_the_content_of_a_file(tmp_path: Path) -> None:
    def key(name: str, content: str) -> str:
        path = tmp_path / name
        path.write_text(content)
        return key_of(files=[path])

    assert len({key("x.deb", "1"), key("x.deb", "2"), key("y.deb", "1")}) == 3


def test_a_key_does_not_depend_on_the_folder_or_the_order_of_files(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        (folder / "a").write_text("1")
        (folder / "b").write_text("2")
    assert key_of(files=[here / "a", here / "b"]) == key_of(files=[there / "b", there / "a"])


def test_what_is_there_is_not_made_again(cache: Path) -> None:
    made: list[Path] = []

    def make(target: Path) -> None:
        made.append(target)
        target.mkdir()

    for _ in range(2):
        assert made_once(cache / "thing", make) == cache / "thing"
    assert len(made) == 1


def test_a_making_that_breaks_off_leaves_nothing_under_the_name(cache: Path) -> None:
    def break_off(target: Path) -> None:
        target.mkdir()
        (target / "half").touch()
        raise LabError("no more")

    with pytest.raises(LabError, match="no more"):
        made_once(cache / "thing", break_off)
    assert not (cache / "thing").exists()

    def make(target: Path) -> None:
        target.mkdir()

    assert list(made_once(cache / "thing", make).iterdir()) == []


def test_another_recipe_is_another_root(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = cell_named("bookworm")
    before = roots.base_path(cell)
    monkeypatch.setattr(roots, "MMDEBSTRAP", (*roots.MMDEBSTRAP, "--verbose"))
    assert roots.base_path(cell) != before


@pytest.fixture
def layers(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The newest three layers of a base: more than are kept; the oldest is the last."""
    monkeypatch.setattr(roots, "LAYERS_KEPT", 2)
    monkeypatch.setattr(roots, "as_root", list)
    monkeypatch.setattr(cache_module, "as_root", list)
    made = [roots.roots_dir() / f"base-6.1+{number}" for number in range(3)]
    before = 0.0
    for layer in made:
        layer.mkdir(parents=True)
        while layer.stat().st_ctime <= before:  # the clock of files is a coarse one
            layer.touch()
        before = layer.stat().st_ctime
    return made[::-1]


def drop_old(layers: list[Path]) -> list[Path]:
    roots._drop_old_layers(roots.roots_dir() / "base-6.1", layers[0])
    return [layer for layer in layers if layer.exists()]


def test_the_oldest_layer_is_dropped(layers: list[Path]) -> None:
    assert drop_old(layers) == layers[:2]


def test_a_layer_that_a_guest_has_booted_is_not_dropped(layers: list[Path]) -> None:
    with roots.in_use(layers[2]), roots.in_use(layers[2]):
        assert drop_old(layers) == layers
    assert drop_old(layers) == layers[:2]


def test_a_root_without_a_kernel_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="0 kernels"):
        roots.kernel_release(tmp_path)


def test_the_kernel_of_a_root_is_found(tmp_path: Path) -> None:
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot" / "vmlinuz-6.1.0-50-amd64").touch()
    (tmp_path / "boot" / "config-6.1.0-50-amd64").touch()
    assert roots.kernel_release(tmp_path) == "6.1.0-50-amd64"


@pytest.mark.parametrize("choice", ["kvm", "tcg"])
def test_the_variable_overrides_the_accelerator(
    choice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(accel.VARIABLE, choice)
    assert accel.accelerator(Path("vmlinuz")) == choice


def test_an_unknown_accelerator_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(accel.VARIABLE, "xen")
    with pytest.raises(LabError, match="TRACER_LAB_ACCEL=xen"):
        accel.accelerator(Path("vmlinuz"))
