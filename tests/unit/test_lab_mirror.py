"""Where the lab's root file systems get their packages from."""

from __future__ import annotations

import pytest

from tracer_lab.errors import LabError
from tracer_lab.mirror import Mirror, parse_indextargets, sources_list
from tracer_lab.suites import suite_named

DEBIAN = """\
http://mirror.test/debian/|Debian|Debian
http://mirror.test/debian/|Debian|Debian
http://other.test/debian/|Debian|Debian
http://mirror.test/debian-security/|Debian-Security|Debian
"""


def test_the_first_mirror_of_each_archive_is_taken() -> None:
    assert parse_indextargets(DEBIAN) == Mirror(
        main="http://mirror.test/debian", security="http://mirror.test/debian-security"
    )


def test_sources_of_others_are_passed_over() -> None:
    vendor = "https://vendor.test/apt/|Debian|Vendor\n"
    assert parse_indextargets(vendor + DEBIAN) == parse_indextargets(DEBIAN)


def test_another_distribution_has_no_mirror_for_us() -> None:
    assert parse_indextargets("http://mirror.test/ubuntu/|Ubuntu|Ubuntu\n") is None


def test_an_apt_without_sources_has_no_mirror() -> None:
    assert parse_indextargets("") is None


def test_an_installation_disc_is_no_mirror() -> None:
    assert parse_indextargets("cdrom:[Debian 12]/|Debian|Debian\n") is None


def test_a_mirror_may_have_no_security_archive() -> None:
    mirror = parse_indextargets("http://mirror.test/debian|Debian|Debian\n")
    assert mirror == Mirror(main="http://mirror.test/debian", security=None)


def test_a_line_of_another_form_is_an_error_that_shows_it() -> None:
    with pytest.raises(LabError, match="surprise"):
        parse_indextargets("surprise\n")


def test_sources_name_each_archive_of_the_suite() -> None:
    mirror = Mirror(main="http://m.test/debian", security="http://m.test/security")
    assert sources_list(
        mirror, ("bookworm", "bookworm-updates"), "bookworm-security"
    ).splitlines() == [
        "deb http://m.test/debian bookworm main",
        "deb http://m.test/debian bookworm-updates main",
        "deb http://m.test/security bookworm-security main",
    ]


def test_sources_leave_out_a_security_archive_that_is_not_there() -> None:
    text = sources_list(Mirror("http://m.test/debian", None), ("bookworm",), "bookworm-security")
    assert "security" not in text


def test_an_unknown_suite_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(LabError, match="hamm") as error:
        suite_named("hamm")
    assert "bookworm" in error.value.hint
