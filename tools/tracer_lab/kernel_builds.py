"""Kernels that the lab builds: from Debian's packages of their source, as packages for apt."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tracer_lab.cache import cache_dir, key_of, locked, made_once, remove_tree
from tracer_lab.commands import SHARE, in_root, run
from tracer_lab.errors import LabError
from tracer_lab.kernel_config import check_granted, fragment_files, wanted_options
from tracer_lab.reports import Say
from tracer_lab.roots import log_of, make_root, mmdebstrap, roots_dir
from tracer_lab.suites import Suite
from tracer_lab.vm import fresh_share

# What the source's own "make bindeb-pkg" asks for, of any version.
TOOLS = (
    *("bc", "bison", "build-essential", "cpio", "debhelper", "fakeroot", "flex"),
    *("kmod", "libdw-dev", "libelf-dev", "libssl-dev", "python3", "rsync", "xz-utils"),
)
SOURCE = f"{SHARE}/source"
WANTED = "wanted.config"
# Without them it asks the machine who and where it is.
BUILDER = ("KBUILD_BUILD_USER=tracer-lab", "KBUILD_BUILD_HOST=lab")
PACKAGES = ("linux-image-*.deb", "linux-headers-*.deb")


@dataclass(frozen=True)
class Recipe:
    """A kernel to be built: of which source, and how configured."""

    name: str
    suite: Suite  # whose compiler builds it
    archives: tuple[str, ...]  # with the package of the source
    source: str  # that package: linux-source-6.1
    fragments: tuple[str, ...]  # of kernel_configs/, without .config


def ensure_kernel(recipe: Recipe, say: Say) -> Path:
    """A folder with the packages of that kernel: its image, and headers to build modules with.

    Made anew when the version of the source or the configuration changes. Takes minutes then,
    and some GB meanwhile.
    Raises LabError if packages cannot be had, the configuration does not come out as it is
    wanted, or the build fails.
    """
    fragments = fragment_files(recipe.fragments)
    wanted_options(fragments)  # raises before anything is done
    say("making a system with the kernel's source")
    root = ensure_build_root(recipe)
    version = source_version(root, recipe.source)
    key = key_of(recipe.source, version, recipe.suite.name, *PACKAGES, files=fragments)

    def make(target: Path) -> None:
        log = log_of(f"kernel-{recipe.name}")
        say("waiting for the build of another kernel")
        with locked("kernel-build"), fresh_share(f"kernel-{recipe.name}") as share:
            try:
                configure(recipe, root, share, log, say)
                build(root, share, log, say)
                keep(share, target)
            finally:
                remove_tree(share)

    return made_once(kernels_dir() / f"{recipe.name}-{key}", make)


def kernels_dir() -> Path:
    """The folder of all kernels that the lab has built."""
    return cache_dir() / "kernels"


def build_root_path(recipe: Recipe) -> Path:
    """Where the root that builds a kernel is, or would be: another recipe has another path."""
    command = mmdebstrap(recipe.suite, _options(recipe))
    key = key_of(*command, *recipe.archives, recipe.suite.security)
    return roots_dir() / f"{recipe.source}-{recipe.suite.name}-{key}"


def ensure_build_root(recipe: Recipe) -> Path:
    """A root file system with the source of a kernel and what builds it; kernels share it.

    The source is the newest that the archives had when it was made.
    Raises LabError if packages cannot be had.
    """

    def make(target: Path) -> None:
        log = log_of(f"kernel-source-{recipe.name}")
        make_root(target, recipe.suite, recipe.archives, _options(recipe), log)

    return made_once(build_root_path(recipe), make)


def _options(recipe: Recipe) -> list[str]:
    return [f"--include={','.join((*TOOLS, recipe.source))}"]


def source_version(root: Path, package: str) -> str:
    """The version of the package of a kernel's source in a root: 6.1.192-2."""
    return run(in_root(root, ["dpkg-query", "--show", "--showformat=${Version}", package])).strip()


def configure(recipe: Recipe, root: Path, share: Path, log: Path, say: Say) -> None:
    """Unpack the source into ``share`` and configure it: nothing but what fragments ask for.

    Raises LabError if an option that they ask for is not set in the end.
    """
    say("unpacking the kernel's source")
    fragments = fragment_files(recipe.fragments)
    texts = [file.read_text(encoding="utf-8") for file in fragments]
    (share / WANTED).write_text("\n".join(texts), encoding="utf-8")
    (share / "source").mkdir()
    unpack = ["tar", "--extract", f"--file=/usr/src/{recipe.source}.tar.xz"]
    unpack += [f"--directory={SOURCE}", "--strip-components=1"]
    run(in_root(root, unpack, share), log=log)
    wanted = f"KCONFIG_ALLCONFIG={SHARE}/{WANTED}"
    run(in_root(root, ["make", "-C", SOURCE, wanted, "allnoconfig"], share), log=log)
    config = (share / "source" / ".config").read_text(encoding="utf-8")
    check_granted(wanted_options(fragments), config, recipe.name)


def build(root: Path, share: Path, log: Path, say: Say) -> None:
    """Build the packages of a configured source. Raises LabError with the compiler's words."""
    say("building the kernel")
    make = ["make", "-C", SOURCE, f"--jobs={os.cpu_count() or 1}", *BUILDER, "bindeb-pkg"]
    run(in_root(root, make, share), log=log)


def keep(share: Path, target: Path) -> None:
    """Move what was built to ``target``, with its configuration for people to look at.

    Raises LabError if a package is not there.
    """
    target.mkdir()
    for pattern in PACKAGES:
        found = list(share.glob(pattern))
        if len(found) != 1:
            raise LabError(f"the build of a kernel made {len(found)} files {pattern}, not one")
        found[0].rename(target / found[0].name)
    (share / "source" / ".config").rename(target / "config")
