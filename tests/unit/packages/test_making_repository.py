"""What invoke repo puts into dist/repo, and what is left when it fails."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tracer_lab.commands import run
from tracer_lab.errors import LabError
from tracer_lab.keyring import throw_away_keyring
from tracer_lab.packages import Packages
from tracer_lab.repository import make_repository
from tracer_lab.signing_key import SigningKey, find_key

pytestmark = pytest.mark.package

URI = "https://example.org/tracer/"
SOURCES = """\
Types: deb deb-src
URIs: https://example.org/tracer/
Suites: stable
Components: main
Signed-By: /usr/share/keyrings/tracer-archive-keyring.gpg
"""


@pytest.fixture(scope="module")
def key() -> Iterator[SigningKey]:
    """A throw-away key."""
    with throw_away_keyring() as keyring:
        keyring.make_key("a@example.org")
        yield find_key("a@example.org")


@pytest.fixture(scope="module")
def repository(
    key: SigningKey, packages: Packages, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    target = tmp_path_factory.mktemp("made") / "repo"
    make_repository(packages, key, URI, target)
    return target


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in names(folder)}


def test_it_holds_the_packages_their_source_and_what_users_install(
    repository: Path, packages: Packages
) -> None:
    pool = {path.name for path in repository.glob("pool/main/t/tracer/*")}
    source = {path.name for path in packages.files if path.name.endswith((".dsc", ".tar.xz"))}
    debs = {deb.name for deb in (*packages.debs, packages.exporter)}
    assert pool == debs | source
    top = {path.name for path in repository.iterdir()}
    assert top == {"dists", "pool", "tracer-archive-keyring.gpg", "tracer.sources"}
    assert (repository / "tracer.sources").read_text() == SOURCES


def test_nothing_else_is_left_beside_it(repository: Path) -> None:
    assert list(repository.parent.iterdir()) == [repository]


def test_the_keyring_holds_the_public_key_alone(repository: Path, key: SigningKey) -> None:
    keyring = repository / "tracer-archive-keyring.gpg"
    listed = run(["gpg", "--batch", "--with-colons", "--show-keys", str(keyring)])
    kinds = [line.split(":")[0] for line in listed.splitlines()]
    assert kinds == ["pub", "fpr", "uid"]
    assert key.fingerprint in listed


def test_a_web_server_may_read_everything(
    key: SigningKey, packages: Packages, tmp_path: Path
) -> None:
    target = tmp_path / "repo"
    before = os.umask(0o077)
    try:
        make_repository(packages, key, URI, target)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (target, *target.rglob("*"))}
    assert modes == {0o755, 0o644}


def test_the_release_says_what_it_is_and_never_ends(repository: Path) -> None:
    release = (repository / "dists/stable/Release").read_text()
    fields = dict(line.split(": ", 1) for line in release.splitlines() if ": " in line)
    del fields["Date"]
    assert fields == {
        "Origin": "tracer",
        "Label": "tracer",
        "Suite": "stable",
        "Codename": "stable",
        "Architectures": "amd64 arm64",
        "Components": "main",
        "Description": "per-process counters of kernel calls",
    }
    assert "\nSHA256:\n" in release


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_the_packages_are_there_for_each_architecture(repository: Path, architecture: str) -> None:
    index = (repository / f"dists/stable/main/binary-{architecture}/Packages").read_text()
    lines = index.splitlines()
    assert [line for line in lines if line.startswith("Package: ")] == [
        "Package: prometheus-tracer-exporter",
        "Package: tracer-dkms",
        "Package: tracer-tools",
    ]


def test_making_it_again_changes_the_signature_and_its_date_alone(
    repository: Path, key: SigningKey, packages: Packages
) -> None:
    before = contents(repository)
    make_repository(packages, key, URI, repository)
    after = contents(repository)
    changed = {name for name in before if after.get(name) != before[name]}
    assert after.keys() == before.keys()
    assert {Path(name).name for name in changed} <= {"Release", "InRelease", "Release.gpg"}
    assert all(Path(name).parent.name == "stable" for name in changed)


def test_only_the_packages_of_the_last_time_are_there(
    key: SigningKey, packages: Packages, tmp_path: Path
) -> None:
    target = tmp_path / "repo"
    old = target / "pool/main/t/tracer/tracer-dkms_0.9_all.deb"
    old.parent.mkdir(parents=True)
    old.write_text("earlier")
    make_repository(packages, key, URI, target)
    assert not old.exists()
    assert list(tmp_path.iterdir()) == [target]


def test_what_is_there_stays_when_it_cannot_be_signed(
    repository: Path, key: SigningKey, packages: Packages
) -> None:
    before = contents(repository)
    with pytest.raises(LabError, match="reprepro"):
        make_repository(packages, replace(key, fingerprint="0" * 40), URI, repository)
    assert contents(repository) == before
    assert list(repository.parent.iterdir()) == [repository]


def test_what_is_there_stays_when_a_package_is_damaged(
    repository: Path, key: SigningKey, packages: Packages, tmp_path: Path
) -> None:
    before = contents(repository)
    for file in packages.files:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    damaged = Packages(tuple(tmp_path / file.name for file in packages.files))
    damaged.debs[0].write_bytes(b"!<arch>\n")
    with pytest.raises(LabError, match="reprepro"):
        make_repository(damaged, key, URI, repository)
    assert contents(repository) == before
    assert list(repository.parent.iterdir()) == [repository]
