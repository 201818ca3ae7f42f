"""The Ansible role, run by Debian's ansible-core against a root file system of bookworm.

The repository of the tree is served on loopback; the role runs inside the root, as it does for
`hosts: localhost`. What takes a booted system is left out there: the service, and tracer-check.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tracer_lab.cells import cell_named
from tracer_lab.commands import as_root, in_root, run
from tracer_lab.errors import LabError
from tracer_lab.guest_suite import TREE
from tracer_lab.keyring import throw_away_keyring
from tracer_lab.packages import build_packages
from tracer_lab.repository import make_repository
from tracer_lab.roots import APT, ensure_base, kernel_release, log_of, throw_away_copy
from tracer_lab.serving import served
from tracer_lab.signing_key import find_key

pytestmark = [pytest.mark.vm, pytest.mark.package]

ROLES = TREE / "tools" / "ansible" / "roles"
PLACE = "srv/ansible"
HOST = "localhost"
RULES = {"web": {"unit": "nginx.service"}, "build": {"command": "make", "user": "ada"}}
QUIET = {
    "ANSIBLE_NOCOLOR": "true",
    "ANSIBLE_ROLES_PATH": f"/{PLACE}/roles",
    "ANSIBLE_LOCALHOST_WARNING": "false",
    "LC_ALL": "C.UTF-8",
}


# What ansible-playbook prints of a task, of what it did there, and of all of them.
TASK = re.compile(r"(?:TASK|RUNNING HANDLER) \[(?:tracer : )?(?P<name>[^]]*)\]")
CHANGED = re.compile(rf"changed: \[{HOST}\]")
NUMBER = re.compile(r"(?P<what>\w+)=(?P<number>\d+)")


@dataclass
class Deployed:
    """A root file system, and what Ansible said of each run there."""

    root: Path
    runs: dict[str, list[str]] = field(default_factory=dict)
    packages: dict[str, set[str]] = field(default_factory=dict)
    refusal: str = ""

    def play(self, name: str, *options: str) -> None:
        """Have Ansible play the book, and keep what it said and which packages there are then."""
        settings = [f"{key}={value}" for key, value in QUIET.items()]
        book = ["ansible-playbook", "-i", f"{HOST},", "-c", "local", f"/{PLACE}/book.json"]
        said = run(in_root(self.root, ["env", *settings, *book, *options]))
        self.runs[name] = said.splitlines()
        listed = ["dpkg-query", "--show", "--showformat=${Package}\\n"]
        self.packages[name] = set(run(in_root(self.root, listed)).split())

    def refused(self, *options: str) -> str:
        """Have Ansible play the book, which has to fail; return what it said."""
        with pytest.raises(LabError) as caught:
            self.play("refused", *options)
        return caught.value.message

    def numbers(self, name: str) -> dict[str, int]:
        """How many tasks of a run changed something, failed, and so on."""
        (recap,) = [line for line in self.runs[name] if line.startswith(f"{HOST} ")]
        return {found["what"]: int(found["number"]) for found in NUMBER.finditer(recap)}

    def changed(self, name: str) -> set[str]:
        """The tasks of a run that changed something."""
        changed, task = set(), ""
        for line in self.runs[name]:
            begun = TASK.match(line)
            task = begun["name"] if begun else task
            if CHANGED.match(line):
                changed.add(task)
        return changed

    def read(self, name: str) -> str:
        return run(in_root(self.root, ["cat", name]))


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("ansible")
    with throw_away_keyring() as keyring:
        keyring.make_key("a@example.org")
        packages = build_packages(TREE, TREE / "dist")
        key = find_key("a@example.org")
        make_repository(packages, key, "http://127.0.0.1/repo", folder / "repo")
    base = ensure_base(cell_named("bookworm"))
    with throw_away_copy(base, "ansible-bookworm") as root, served(folder) as address:
        log = log_of("ansible-bookworm")
        run(in_root(root, [*APT, "update"]), log=log)
        run(in_root(root, [*APT, "install", "ansible-core", "python3-apt"]), log=log)
        run(in_root(root, ["useradd", "ada"]), log=log)
        shutil.copytree(ROLES, folder / "place" / "roles")
        (folder / "place" / "book.json").write_text(json.dumps(book(root, f"{address}/repo")))
        run(as_root(["cp", "-r", str(folder / "place"), str(root / PLACE)]))
        made = Deployed(root)
        made.play("first, checked", "--check")
        made.play("first")
        made.play("second")
        made.play("second, checked", "--check")
        made.refusal = made.refused("--extra-vars", json.dumps({"tracer_check": True}))
        yield made


def book(root: Path, uri: str) -> list[dict[str, Any]]:
    """The playbook, as JSON, which is YAML."""
    release = kernel_release(root)
    role = {
        "role": "tracer",
        "tracer_repository": uri,
        "tracer_headers": [f"linux-headers-{release}"],
        "tracer_members": ["ada"],
        "tracer_rules": RULES,
        "tracer_exporter_args": "--interval 5",
        "tracer_check": False,
    }
    return [{"hosts": "all", "roles": [role]}]


def test_check_mode_says_what_it_would_change_and_changes_nothing(deployed: Deployed) -> None:
    checked = deployed.numbers("first, checked")
    assert checked["failed"] == checked["unreachable"] == 0
    assert "Name the repository to apt" in deployed.changed("first, checked")
    assert not {"tracer-dkms", "tracer-tools"} & deployed.packages["first, checked"]


def test_the_first_run_installs_everything(deployed: Deployed) -> None:
    numbers = deployed.numbers("first")
    assert numbers["failed"] == numbers["unreachable"] == 0
    ours = {"tracer-dkms", "tracer-tools", "prometheus-tracer-exporter"}
    assert ours <= deployed.packages["first"]
    assert deployed.changed("first") >= {
        "Install the headers of the kernel and the packages",
        "Let users monitor processes of their own",
        "Write the rules",
        "Write the options",
    }


def test_a_second_run_changes_nothing(deployed: Deployed) -> None:
    for name in ("second", "second, checked"):
        assert deployed.changed(name) == set()
        numbers = deployed.numbers(name)
        assert (numbers["changed"], numbers["failed"]) == (0, 0)


def test_the_rules_are_in_order_and_the_options_those_that_were_given(deployed: Deployed) -> None:
    check = ["tracerctl", "rules", "check", "--json"]
    found = json.loads(run(in_root(deployed.root, check)))
    assert {rule["group"]: rule["rule"] for rule in found["rules"]} == RULES
    options = deployed.read("/etc/tracer/exporter.conf").splitlines()
    assert [line for line in options if line.startswith("ARGS")] == ['ARGS="--interval 5"']


def test_the_member_is_in_the_group_and_apt_trusts_that_key_alone(deployed: Deployed) -> None:
    assert "tracer" in run(in_root(deployed.root, ["id", "--name", "--groups", "ada"])).split()
    sources = deployed.read("/etc/apt/sources.list.d/tracer.sources")
    assert "Signed-By: /usr/share/keyrings/tracer-archive-keyring.gpg\n" in sources


def test_it_fails_where_tracer_check_does_and_says_why(deployed: Deployed) -> None:
    """In a root file system no module is loaded."""
    check = in_root(deployed.root, ["tracer-check", "--json"])
    done = subprocess.run(check, capture_output=True, check=False, text=True)
    amiss = [one for one in json.loads(done.stdout)["checks"] if one["status"] == "FAIL"]
    assert amiss
    assert "See that it found nothing amiss" in deployed.refusal
    for one in amiss:
        assert json.dumps(one["fact"]).strip('"') in deployed.refusal
        assert json.dumps(one["command"] or "").strip('"') in deployed.refusal
