from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tracer_lab.autopkgtest import START_QEMU, AutopkgtestRun
from tracer_lab.lintian import NO_SCRIPT, OLDER_POLICY, SUITES, objections
from tracer_lab.packages import Packages
from tracer_lab.rebuilding import difference, hashes

OLDER = f"{OLDER_POLICY}4.6.2 (released 2022-12-17) (current is 4.7.4)"


def packages_in(folder: Path, **contents: str) -> Packages:
    folder.mkdir()
    for name, text in contents.items():
        (folder / name.replace("_", ".")).write_text(text)
    return Packages(tuple(folder.iterdir()))


def test_any_tag_is_to_be_mended() -> None:
    for suite in SUITES:
        assert objections(suite, ["I: tracer source: x", "O: y: z"]) == [
            "I: tracer source: x",
            "O: y: z",
        ]


def test_a_newer_policy_is_let_pass_where_the_source_names_that_of_the_first_suite() -> None:
    assert [objections(suite, [OLDER]) for suite in SUITES] == [[OLDER], [], []]


def test_a_service_without_a_script_is_let_pass_where_lintian_objects_to_any() -> None:
    tag = f"{NO_SCRIPT}[usr/lib/systemd/system/x.service]"
    assert [objections(suite, [tag]) for suite in SUITES] == [[], [tag], [tag]]


def test_what_records_a_build_may_differ(tmp_path: Path) -> None:
    one = packages_in(tmp_path / "one", a_deb="same", a_buildinfo="here", a_changes="now")
    other = packages_in(tmp_path / "other", a_deb="same", a_buildinfo="there", a_changes="then")
    assert list(hashes(one)) == ["a.deb"]
    assert difference(one, other) == ""


def test_a_file_that_differs_is_shown(tmp_path: Path) -> None:
    one = packages_in(tmp_path / "one", a_text="Version: 1\n", a_changes="")
    other = packages_in(tmp_path / "other", a_text="Version: 2\n", a_changes="")
    told = difference(one, other)
    assert "-Version: 1" in told
    assert "+Version: 2" in told


def test_a_file_that_only_one_build_made_is_named(tmp_path: Path) -> None:
    one = packages_in(tmp_path / "one", a_deb="same", b_deb="more", a_changes="")
    other = packages_in(tmp_path / "other", a_deb="same", a_changes="")
    assert difference(one, other) == "only one build made b.deb"


def test_qemu_gets_all_that_autopkgtest_asks_for_but_kvm_and_the_processor(tmp_path: Path) -> None:
    qemu = tmp_path / "qemu-system-x86_64"
    qemu.write_text('#!/bin/sh\nfor option; do echo "$option"; done\n')
    qemu.chmod(0o755)
    lab = {"ACCEL": "a", "CPU": "c", "KERNEL": "k", "INITRAMFS": "i", "ARGUMENTS": "root=/x rw"}
    environment = {f"LAB_{name}": value for name, value in lab.items()}
    environment["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
    asked = ["-m", "2048", "-enable-kvm", "-cpu", "kvm64,+vmx", "-drive", "file=a b,if=virtio"]
    done = subprocess.run(
        [START_QEMU, *asked], env=environment, capture_output=True, text=True, check=True
    )
    own = ["-accel", "a", "-cpu", "c", "-no-reboot", "-kernel", "k", "-initrd", "i"]
    kept = ["-m", "2048", "-drive", "file=a b,if=virtio"]
    assert done.stdout.splitlines() == [*kept, *own, "-append", "root=/x rw"]


@pytest.mark.parametrize(
    ("summary", "passed"),
    [
        ("guest-suite          PASS\n", True),
        ("dkms-autopkgtest     PASS (superficial)\n", True),
        ("guest-suite          FAIL non-zero exit status 1\n", False),
        ("guest-suite          SKIP no isolation\n", False),
        ("", False),
    ],
)
def test_only_a_test_that_passed_is_a_pass(summary: str, passed: bool) -> None:
    assert AutopkgtestRun(summary, Path()).passed is passed
