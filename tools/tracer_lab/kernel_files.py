"""Files of the kernel's source that Debian's packages of headers leave out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tracer_lab.cache import cache_dir, key_of, made_once, remove_tree
from tracer_lab.commands import run
from tracer_lab.errors import LabError
from tracer_lab.roots import log_of, make_root
from tracer_lab.suites import Suite


def ensure_kernel_files(suite: Suite, package: str, members: Sequence[str]) -> Path:
    """A folder with those files and folders of the kernel's source, where they are there.

    ``package`` is the suite's package of a source, or the one that stands for its newest.
    Takes about a minute the first time, nothing after that. Raises LabError if the package or
    a member cannot be had.
    """

    def make(target: Path) -> None:
        unpacked = target.with_name(f"{target.name}.source")
        remove_tree(unpacked)
        only_unpacked = ["--variant=extract", f"--include={package}"]
        make_root(unpacked, suite, suite.archives, only_unpacked, log_of(target.name))
        archives = list(unpacked.glob("usr/src/linux-source-*.tar.xz"))
        if len(archives) != 1:
            raise LabError(f"{package} of {suite.name} has {len(archives)} sources, not one")
        top = archives[0].name[: -len(".tar.xz")]
        target.mkdir()
        strip = ["--strip-components=1", f"--directory={target}"]
        names = [f"{top}/{name}" for name in members]
        run(["tar", "--extract", f"--file={archives[0]}", *strip, *names])
        remove_tree(unpacked)

    recipe = key_of(suite.name, *suite.archives, package, *members)
    return made_once(cache_dir() / f"kernel-files-{recipe}", make)
