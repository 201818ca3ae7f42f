"""Prometheus of Debian, unpacked and not installed: nothing is started, no user is made."""

from __future__ import annotations

from pathlib import Path

from tracer_lab.cache import cache_dir, key_of, made_once
from tracer_lab.roots import log_of, make_root
from tracer_lab.suites import suite_named

SUITE = "bookworm"
PROGRAMS = ("prometheus", "promtool")


def ensure_prometheus() -> Path:
    """The folder with the programs prometheus and promtool, which need nothing beside them.

    Takes half a minute the first time, nothing after that. Raises LabError if it cannot be had.
    """
    suite = suite_named(SUITE)
    options = ["--variant=extract", "--include=prometheus"]

    def make(target: Path) -> None:
        make_root(target, suite, suite.archives, options, log_of("prometheus"))

    recipe = key_of(suite.name, *suite.archives, *options)
    return made_once(cache_dir() / f"prometheus-{recipe}", make) / "usr" / "bin"
