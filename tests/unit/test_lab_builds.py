"""Cells that only build: what apt and compilers print, and what it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tracer_lab import builds
from tracer_lab.builds import Build, complaints_in, judged
from tracer_lab.cells import BUILD_CELLS
from tracer_lab.errors import LabError
from tracer_lab.headers import (
    Needs,
    absent_from,
    newest_of_series,
    parse_download,
    parse_search,
    parse_show,
    releases_in,
)
from tracer_lab.reports import Verdict

SEARCH = """\
linux-headers-6.12.117+deb12-amd64 - Header files for Linux 6.12.117+deb12-amd64
linux-headers-6.12.95+deb12-amd64 - Header files for Linux 6.12.95+deb12-amd64
linux-headers-6.1.0-50-rt-amd64 - Header files for Linux 6.1.0-50-rt-amd64
linux-headers-6.1.0-9-cloud-amd64 - Header files for Linux 6.1.0-9-cloud-amd64
linux-headers-6.1.0-50-common - Common header files for Linux 6.1.0-50
linux-headers-6.1.0-50-common-rt - Common header files for Linux 6.1.0-50-rt
linux-headers-amd64 - Header files for Linux amd64 configuration (meta-package)
linux-headers-6.1-rt-amd64 - Header files for Linux rt-amd64 configuration (meta-package)
linux-headers-7.3.4+deb13-arm64-16k - Linux 7.3.4 for 64-bit ARMv8 machines with 16k pages
linux-headers-arm64-16k - Header files for Linux arm64-16k configuration (meta-package)
"""

# Two generations of Debian's packages.
SHOW = """\
Package: linux-headers-6.1.0-50-amd64
Source: linux
Depends: linux-headers-6.1.0-50-common (= 6.1.176-1), linux-kbuild-6.1 (>= 6.1.176-1), \
linux-compiler-gcc-12-x86
Description: Header files
 Depends: on nothing, this is text

Package: linux-headers-7.3.4+deb13-rt-arm64
Depends: gcc-14-for-host, linux-base (>= 4.12~), linux-base-7.3.4+deb13-rt-arm64 (= 7.3.4-1), \
linux-image-7.3.4+deb13-rt-arm64 (= 7.3.4-1) | linux-image-7.3.4+deb13-rt-arm64-unsigned, \
linux-headers-7.3.4+deb13-common-rt (= 7.3.4-1), linux-kbuild-7.3.4+deb13:any

"""

LOST = """\
Get:1 http://mirror.test/debian bookworm/main amd64 linux-kbuild-6.1 amd64 6.1.176-1 [1 kB]
Err:2 http://mirror.test/debian bookworm/main amd64 linux-headers-6.1.0-9-amd64 amd64 6.1.1-1
  404  Not Found [IP: 203.0.113.80 80]
E: Failed to fetch http://mirror.test/debian/pool/l/linux-headers-6.1.0-9-amd64_6.1.1-1_amd64.deb\
  404  Not Found [IP: 203.0.113.80 80]
E: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?
"""

CLEAN = """\
make[1]: Entering directory '/usr/src/linux-headers-6.1.0-47-amd64'
  CC [M]  /out/tracer/error.o
  BTF [M] /out/tracer/tracer.ko
Skipping BTF generation for /out/tracer/tracer.ko due to unavailability of vmlinux
make[1]: Leaving directory '/usr/src/linux-headers-6.1.0-47-amd64'
"""


def test_every_kernel_of_the_architecture_is_found_in_its_order() -> None:
    assert parse_search(SEARCH, "amd64") == [
        "6.1.0-9-cloud-amd64",
        "6.1.0-50-rt-amd64",
        "6.12.95+deb12-amd64",
        "6.12.117+deb12-amd64",
    ]


def test_kernels_of_another_architecture_are_told_apart() -> None:
    assert parse_search(SEARCH, "arm64") == ["7.3.4+deb13-arm64-16k"]


def test_the_newest_kernel_of_each_series_and_flavour_is_found() -> None:
    older = ["6.1.0-9-amd64", "6.1.0-9-rt-amd64", "6.12.95+deb12-arm64-16k"]
    newer = ["6.1.0-50-amd64", "6.12.95+deb12-arm64", "6.12.117+deb12-arm64-16k", "7.2.6-amd64"]
    assert newest_of_series([*older, *newer]) == ["6.1.0-9-rt-amd64", *newer]


def test_a_line_that_is_no_package_is_an_error_that_shows_it() -> None:
    with pytest.raises(LabError, match="surprise"):
        parse_search("surprise\n", "amd64")


def test_what_headers_need_is_read_without_the_image() -> None:
    assert parse_show(SHOW) == {
        "6.1.0-50-amd64": Needs("linux-headers-6.1.0-50-common", "linux-kbuild-6.1", "12"),
        "7.3.4+deb13-rt-arm64": Needs(
            "linux-headers-7.3.4+deb13-common-rt", "linux-kbuild-7.3.4+deb13", "14"
        ),
    }


def test_headers_that_name_no_compiler_are_an_error() -> None:
    with pytest.raises(LabError, match=r"linux-headers-6\.1\.0-50-amd64 needs no"):
        parse_show(SHOW.replace("linux-compiler-gcc-12-x86", "make"))


def test_a_stanza_of_another_package_is_an_error() -> None:
    with pytest.raises(LabError, match="no headers"):
        parse_show("Package: gcc-12\nDepends: make\n")


def test_files_that_the_mirror_only_lists_are_named() -> None:
    assert parse_download(LOST) == {"linux-headers-6.1.0-9-amd64"}


def test_a_kernel_without_its_common_headers_is_not_to_be_had() -> None:
    needs = Needs("linux-headers-6.1.0-50-common", "linux-kbuild-6.1", "12")
    assert needs.met_without({"linux-headers-6.1.0-9-common"})
    assert not needs.met_without({"linux-headers-6.1.0-50-common"})
    assert not needs.met_without({"linux-kbuild-6.1"})


@pytest.mark.parametrize("fault", ["Temporary failure resolving 'mirror.test'", "503  Busy"])
def test_another_fault_of_the_mirror_is_an_error(fault: str) -> None:
    with pytest.raises(LabError, match=fault[:3]):
        parse_download(f"{LOST}E: Failed to fetch http://mirror.test/a_1_amd64.deb  {fault}\n")


def test_kernels_are_known_by_their_build_folder(tmp_path: Path) -> None:
    for release in ("6.1.0-50-amd64", "6.1.0-9-amd64", "6.1.0-51-amd64", "6.1.0-52-amd64"):
        (tmp_path / "lib/modules" / release).mkdir(parents=True)
    for release in ("6.1.0-50-amd64", "6.1.0-9-amd64", "6.1.0-51-amd64"):
        (tmp_path / "lib/modules" / release / "build").symlink_to("/nowhere/on/this/machine")
    (tmp_path / "var/lib").mkdir(parents=True)
    (tmp_path / "var/lib/absent-kernels").write_text("6.1.0-51-amd64")
    assert releases_in(tmp_path) == ["6.1.0-9-amd64", "6.1.0-50-amd64"]
    assert absent_from(tmp_path) == ["6.1.0-51-amd64"]


def test_a_build_that_says_what_it_does_is_clean() -> None:
    assert complaints_in(CLEAN) == []


@pytest.mark.parametrize(
    "line",
    [
        "/out/tracer/main.c:7:12: warning: 'spare' defined but not used [-Wunused-function]",
        "main.c:7:1: error: expected ';' before '}' token",
        "device.c:67:18: warning: cast removes address space '__user' of expression",
        "/usr/src/linux-headers-6.1.0-50-common/include/linux/mm.h:9: fatal error: asm/a.h: No",
        "WARNING: modpost: missing MODULE_LICENSE() in /out/tracer/tracer.o",
        'ERROR: modpost: "nothing" [/out/tracer/tracer.ko] undefined!',
        "tracer.o: warning: objtool: entered()+0x4: call without frame pointer save/setup",
        "warning: the compiler differs from the one used to build the kernel",
        "make[2]: *** [Makefile:120: modpost] Error 1",
        "make: *** No rule to make target 'modules'.  Stop.",
    ],
)
def test_whoever_complains_is_heard(line: str) -> None:
    assert complaints_in(CLEAN + line + "\n") == [line]


@pytest.mark.parametrize(
    ("status", "printed", "complaints"),
    [
        (0, CLEAN, ()),
        (0, f"{CLEAN}WARNING: modpost: no\n", ("WARNING: modpost: no",)),
        (2, "Can't locate Pod/Usage.pm in @INC\n", ("Can't locate Pod/Usage.pm in @INC",)),
    ],
)
def test_a_build_is_judged_by_its_status_and_its_words(
    status: int,
    printed: str,
    complaints: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stand_in(_: Sequence[str], *, log: Path) -> None:
        log.write_text(printed)
        if status != 0:
            raise LabError(f"exit status {status}")

    monkeypatch.setenv("TRACER_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(builds, "run", stand_in)
    (tmp_path / "src" / "tracer").mkdir(parents=True)
    (tmp_path / "share").mkdir()
    release = "6.1.0-50-cloud-arm64"
    assert list(
        builds.builds_for(BUILD_CELLS[-1], tmp_path, release, tmp_path / "share", tmp_path)
    ) == [Build("module", release, complaints)]


def test_a_cell_passes_if_every_build_is_clean(tmp_path: Path) -> None:
    done = [Build("module", "6.1.0-50-amd64", ()), Build("workload", "6.1.0-50-amd64", ())]
    report = judged("build-bookworm", done, [], tmp_path / "log")
    assert report.verdict is Verdict.PASS
    assert (report.passed, report.built_for) == (1, ("6.1.0-50-amd64",))


def test_one_warning_fails_the_cell_and_is_shown(tmp_path: Path) -> None:
    done = [
        Build("module", "6.1.0-50-amd64", ()),
        Build("sparse", "6.1.0-50-amd64", ("device.c:67:18: warning: cast",)),
        Build("module", "6.1.0-51-amd64", ()),
    ]
    report = judged("build-bookworm", done, [], tmp_path / "log")
    assert report.verdict is Verdict.FAIL
    (finding,) = report.failed
    assert finding.test == "sparse for 6.1.0-50-amd64"
    assert finding.detail == "device.c:67:18: warning: cast"
    assert report.built_for == ("6.1.0-51-amd64",)


def test_a_cell_without_a_kernel_is_no_pass(tmp_path: Path) -> None:
    assert judged("build-bookworm", [], [], tmp_path / "log").verdict is Verdict.FAIL


def test_kernels_that_could_not_be_had_are_shown_as_skipped(tmp_path: Path) -> None:
    done = [Build("module", "6.1.0-50-amd64", ())]
    report = judged("build-bookworm", done, ["6.1.0-9-amd64"], tmp_path / "log")
    assert report.verdict is Verdict.PASS
    (finding,) = report.skipped
    assert "6.1.0-9-amd64" in finding.test
    assert "mirror" in finding.detail


def test_names_of_cells_that_build_tell_suite_and_architecture() -> None:
    assert [cell.name for cell in BUILD_CELLS] == [
        "build-bullseye",
        "build-bookworm",
        "build-trixie",
        "build-forky",
        "build-bookworm-arm64",
        "build-trixie-arm64",
    ]
