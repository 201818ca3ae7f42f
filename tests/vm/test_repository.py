"""The signed repository as its users meet it: README's own commands, and a byte that is wrong.

README's first command makes the repository, from a copy of the tree and with a throw-away key;
it is served on loopback, and its other commands are run inside root file systems.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tracer_lab.cells import cell_named
from tracer_lab.commands import in_root, run
from tracer_lab.keyring import throw_away_keyring
from tracer_lab.repository import make_repository
from tracer_lab.roots import ensure_base, kernel_release, log_of, throw_away_copy
from tracer_lab.serving import served
from tracer_lab.signing_key import find_key
from tracer_lab.tree import make_tree
from tracer_lab.variants import TREE, packages_of_variant, set_version

pytestmark = [pytest.mark.vm, pytest.mark.package]

SUITES = ("bullseye", "bookworm", "trixie", "forky")
EXAMPLE = {"key": "releases@example.org", "uri": "https://example.org/tracer"}
KEYRING = "/usr/share/keyrings/tracer-archive-keyring.gpg"
FAILED = 100  # apt's exit status
OURS = {"tracer-dkms", "tracer-tools"}


def commands_of_readme() -> list[str]:
    """The commands of README's section about the repository."""
    text = (TREE / "README.md").read_text(encoding="utf-8")
    _, _, section = text.partition("\n### From a repository\n")
    section, _, _ = section.partition("\n#")
    return [line.strip() for line in section.splitlines() if line.startswith("    ")]


@dataclass(frozen=True)
class Repository:
    """The repository of the tree, as it is served."""

    folder: Path
    uri: str

    def one(self, pattern: str) -> Path:
        (file,) = self.folder.glob(pattern)
        return file


@dataclass(frozen=True)
class Machine:
    """A root file system with a network, and README's commands for a user's machine."""

    root: Path
    get_keyring: str
    get_sources: str
    update: str
    install: str

    def does(self, command: str) -> subprocess.CompletedProcess[str]:
        """How a command of README ended, after a yes to whatever it asks."""
        words = [word for word in shlex.split(command) if word != "sudo"]
        return subprocess.run(
            in_root(self.root, words), input="y\n", capture_output=True, text=True, check=False
        )

    def said_by(self, *command: str) -> str:
        return run(in_root(self.root, command))

    def packages(self) -> dict[str, str]:
        """The version of every package that is installed, or was left half done."""
        form = "--showformat=${Package} ${db:Status-Status} ${Version}\\n"
        lines = (
            line.split(" ") for line in self.said_by("dpkg-query", "--show", form).splitlines()
        )
        return {name: version for name, status, version in lines if status != "not-installed"}


@pytest.fixture(scope="module")
def key() -> Iterator[str]:
    """The address of a throw-away key."""
    address = "throw-away@example.org"
    with throw_away_keyring() as keyring:
        keyring.make_key(address)
        yield address


@pytest.fixture(scope="module")
def repository(key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """Made by README's first command in a copy of the tree: dist/repo of this one is a user's."""
    tree = tmp_path_factory.mktemp("repository") / "tree"
    make_tree(TREE, tree)
    site = tree / "dist" / "site"
    site.mkdir(parents=True)
    (site / "tracer").symlink_to(tree / "dist" / "repo")
    with served(site) as address:
        uri = f"{address}/tracer"
        command = commands_of_readme()[0].replace(EXAMPLE["key"], key).replace(EXAMPLE["uri"], uri)
        program, *arguments = shlex.split(command)
        assert program == "./bootstrap"
        run([sys.executable, "-m", "invoke", *arguments], cwd=tree)
        yield Repository(tree / "dist" / "repo", uri)


@pytest.fixture(scope="module", params=SUITES)
def machine(request: pytest.FixtureRequest, repository: Repository) -> Iterator[Machine]:
    """A machine with wget where README's first two commands for users were typed."""
    base = ensure_base(cell_named(request.param))
    name = f"repository-{request.param}"
    log = log_of(name)
    with throw_away_copy(base, name) as root:
        run(in_root(root, ["apt-get", "update"]), log=log)
        run(in_root(root, ["apt-get", "install", "--yes", "wget"]), log=log)
        commands = [line.replace(EXAMPLE["uri"], repository.uri) for line in commands_of_readme()]
        machine = Machine(root, *commands[1:])
        for command in (machine.get_keyring, machine.get_sources):
            done = machine.does(command)
            assert done.returncode == 0, done.stderr
        yield machine


@pytest.fixture
def fresh(machine: Machine) -> Machine:
    """A machine whose apt has never seen the repository: the tests that install come after."""
    machine.said_by("find", "/var/lib/apt/lists", "-name", "127.0.0.1*", "-delete")
    machine.said_by("apt-get", "clean")
    assert not OURS & machine.packages().keys()
    return machine


@contextmanager
def one_byte_changed(file: Path, position: int) -> Iterator[None]:
    """Another byte at that position of the file until the end of the block."""
    before = file.read_bytes()
    changed = bytearray(before)
    changed[position] ^= 1
    file.write_bytes(bytes(changed))
    try:
        yield
    finally:
        file.write_bytes(before)


def refusal_to_install(machine: Machine) -> str:
    """What apt says when it installs nothing at all."""
    before = machine.packages()
    done = machine.does(machine.install)
    assert done.returncode == FAILED, done.stdout + done.stderr
    assert machine.packages() == before
    assert not list((machine.root / "usr" / "src").glob("tracer-*"))
    return done.stdout + done.stderr


def refusal_to_update(machine: Machine) -> str:
    done = machine.does(machine.update)
    assert done.returncode == FAILED, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_changed_byte_of_inrelease_is_refused(fresh: Machine, repository: Repository) -> None:
    file = repository.one("dists/*/InRelease")
    with one_byte_changed(file, file.read_text().index("SHA256:") + len("SHA256:\n 0")):
        said = refusal_to_update(fresh)
        # Words of gpgv in bullseye and bookworm, of sqv in trixie and later.
        assert re.search("BADSIG|Message has been manipulated", said), said
        assert re.search("repository .* InRelease' is not signed", said), said
        assert "Unable to locate package tracer-dkms" in refusal_to_install(fresh)


def test_a_changed_byte_of_the_list_of_packages_is_refused(
    fresh: Machine, repository: Repository
) -> None:
    file = repository.one("dists/*/main/binary-amd64/Packages.xz")
    with one_byte_changed(file, file.stat().st_size // 2):
        said = refusal_to_update(fresh)
        assert re.search(r"Failed to fetch .*/Packages\.xz +Hash Sum mismatch", said), said
        assert "Unable to locate package tracer-dkms" in refusal_to_install(fresh)


def test_a_changed_byte_of_the_package_is_refused(fresh: Machine, repository: Repository) -> None:
    file = repository.one("pool/main/t/tracer/tracer-dkms_*.deb")
    with one_byte_changed(file, file.stat().st_size // 2):
        done = fresh.does(fresh.update)
        assert done.returncode == 0, done.stderr
        said = refusal_to_install(fresh)
    assert re.search(r"Failed to fetch .*/tracer-dkms_.*\.deb +Hash Sum mismatch", said), said


def test_without_the_keyring_the_repository_is_refused(fresh: Machine) -> None:
    fresh.said_by("rm", KEYRING)
    said = refusal_to_update(fresh)
    assert re.search(f"NO_PUBKEY|{KEYRING}.*No such file", said), said
    assert "Unable to locate package tracer-dkms" in refusal_to_install(fresh)
    assert fresh.does(fresh.get_keyring).returncode == 0


@pytest.fixture(scope="module")
def installed(machine: Machine) -> Machine:
    """The machine after README's last two commands."""
    for command in (machine.update, machine.install):
        done = machine.does(command)
        assert done.returncode == 0, done.stdout + done.stderr
    return machine


def test_installing_by_name_builds_the_module(installed: Machine) -> None:
    version = installed.packages()["tracer-dkms"]
    status = installed.said_by("dkms", "status", "tracer").strip()
    kernel = kernel_release(installed.root)
    # dkms of bullseye has a comma where later ones have a slash.
    assert status.replace("tracer, ", "tracer/") == f"tracer/{version}, {kernel}, x86_64: installed"


def test_the_commands_come_with_it(installed: Machine) -> None:
    packages = installed.packages()
    assert packages["tracer-tools"] == packages["tracer-dkms"]
    assert installed.said_by("tracerctl", "--version").split()[1]


def test_apt_knows_where_the_packages_are_from(installed: Machine, repository: Repository) -> None:
    assert "release o=tracer,a=stable,n=stable,l=tracer,c=main," in installed.said_by(
        "apt-cache", "policy"
    )
    policy = installed.said_by("apt-cache", "policy", *sorted(OURS))
    assert policy.count(f"500 {repository.uri} stable/main amd64 Packages") == len(OURS)


def test_the_source_can_be_had(installed: Machine) -> None:
    get = "cd /tmp && apt-get source --download-only tracer && ls"
    got = installed.said_by("sh", "-c", get).split()
    version = installed.packages()["tracer-dkms"]
    assert {f"tracer_{version}.dsc", f"tracer_{version}.tar.xz"} <= set(got)


@pytest.fixture
def later(repository: Repository, key: str, tmp_path: Path) -> Iterator[str]:
    """A version that has come into the repository; until the end of the test."""
    version = "99.0.0"
    packages = packages_of_variant(tmp_path, lambda tree: set_version(tree, version))
    now = repository.folder.rename(tmp_path / "now")
    make_repository(packages, find_key(key), repository.uri, repository.folder)
    yield version
    shutil.rmtree(repository.folder)
    now.rename(repository.folder)


# The first suite: pytest goes by its number when it looks for tests that share a machine.
@pytest.mark.parametrize("machine", SUITES[:1], indirect=True)
def test_a_later_version_comes_with_apt_upgrade(installed: Machine, later: str) -> None:
    for command in (installed.update, "sudo apt upgrade"):
        done = installed.does(command)
        assert done.returncode == 0, done.stdout + done.stderr
    packages = installed.packages()
    assert {packages[name] for name in OURS} == {later}
    assert f", {kernel_release(installed.root)}, " in installed.said_by("dkms", "status", "tracer")
    assert list((installed.root / "usr" / "src").glob("tracer-*")) == [
        installed.root / "usr" / "src" / f"tracer-{later}"
    ]
