"""What lintian of a Debian suite says of the packages, in a root file system of that suite."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from tracer_lab.cache import key_of, made_once
from tracer_lab.commands import SHARE, in_root, run
from tracer_lab.packages import Packages
from tracer_lab.roots import log_of, make_root, mmdebstrap, roots_dir
from tracer_lab.suites import Suite, suite_named
from tracer_lab.vm import fresh_share

# Those that build the packages: whoever does that looks at what their lintian says.
SUITES = tuple(map(suite_named, ("bookworm", "trixie", "forky")))
OPTIONS = ("--include=lintian",)
# Whatever it finds is for the caller to judge: any status but 0 means that it could not work.
LINTIAN = ("lintian", "--allow-root", "--display-info", "--show-overrides", "--fail-on=none")
# Errors, warnings, infos, and what an override hides. The rest explains, or is what lintian itself
# takes for mistaken.
TAG = re.compile("[EWIO]: ")
# The source names the Policy that bookworm knows, because it builds there, where naming a newer
# one is a warning. Where a newer one is known, that is an info: no name pleases all suites.
OLDER_POLICY = "I: tracer source: out-of-date-standards-version "
# What lintian of bookworm says of every service of systemd that has no script for another init
# beside it, and none of a later suite: Debian's Policy asks for none.
NO_SCRIPT = "I: prometheus-tracer-exporter: package-supports-alternative-init-but-no-init.d-script "


def ensure_lintian(suite: Suite) -> Path:
    """A root file system of that suite with its lintian. Never to be changed.

    Takes about a minute the first time, nothing after that. Raises LabError if packages cannot
    be had.
    """
    recipe = key_of(*mmdebstrap(suite, OPTIONS), *suite.archives, suite.security)

    def make(target: Path) -> None:
        name = f"lintian-{suite.name}"
        make_root(target, suite, suite.archives, OPTIONS, log_of(name))

    return made_once(roots_dir() / f"lintian-{suite.name}-{recipe}", make)


def lintian_tags(suite: Suite, packages: Packages) -> list[str]:
    """What the suite's lintian finds in the source and in the .deb files, one tag a line.

    Takes some seconds. Raises LabError if lintian could not read the packages.
    """
    root = ensure_lintian(suite)
    with fresh_share(f"lintian-{suite.name}") as share:
        for file in packages.files:
            shutil.copy(file, share)
        command = [*LINTIAN, f"{SHARE}/{packages.changes.name}"]
        lines = run(in_root(root, command, share)).splitlines()
    return [line for line in lines if TAG.match(line)]


def objections(suite: Suite, tags: Sequence[str]) -> list[str]:
    """The tags of that suite to be mended.

    All but NO_SCRIPT on the first suite, and OLDER_POLICY on those after it.

    No override hides these, because the other suites would object to an override without use.
    """
    known = NO_SCRIPT if suite == SUITES[0] else OLDER_POLICY
    return [tag for tag in tags if not tag.startswith(known)]
