"""A signed APT repository of the packages, ready to be put behind a web server."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from tracer_lab.cache import locked
from tracer_lab.commands import run
from tracer_lab.errors import LabError
from tracer_lab.packages import Packages
from tracer_lab.signing_key import SigningKey, environment, export_public

SUITE = "stable"
KEYRING = "tracer-archive-keyring.gpg"
SOURCES = "tracer.sources"
URI_EXAMPLE = "--uri https://example.org/tracer"
NOT_IN_A_URI = re.compile(r"[^!-~]|[?#\"<>\\^`{|}]")

# No Valid-Until: the repository is signed by hand, once a release, and nobody would sign it anew
# before that date; `apt update` of every user would fail then. The price is that somebody
# between a user and the server can hold a newer version back.
DISTRIBUTION = """\
Origin: tracer
Label: tracer
Suite: {suite}
Codename: {suite}
Architectures: amd64 arm64 source
Components: main
Description: per-process counters of kernel calls
SignWith: {fingerprint}
DebIndices: Packages Release . .gz .xz
DscIndices: Sources Release . .gz .xz
"""
# The key is a path, because apt of bullseye knows none inside the file; and the path is not
# below /etc/apt/keyrings, because bullseye has no such folder.
SOURCES_FILE = """\
Types: deb deb-src
URIs: {uri}
Suites: {suite}
Components: main
Signed-By: /usr/share/keyrings/{keyring}
"""


def check_programs() -> None:
    """Raise LabError if a program that makes a repository is not installed."""
    for program in ("gpg", "gpgv", "reprepro"):
        if shutil.which(program) is None:
            raise LabError(f"{program}: no such command", "./bootstrap installs it")


def checked_uri(text: str) -> str:
    """The address of the repository as it goes into the .sources file.

    Raises LabError for anything but http://HOST/..., https://HOST/... and file:///....
    """
    if not text:
        raise LabError("where users will find the repository is not said", f"add {URI_EXAMPLE}")
    try:
        parts = urlsplit(text)
        served = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port that is no number, or an unfinished IPv6 address
        served = False
    local = text.startswith("file:///")
    if not (served or local) or NOT_IN_A_URI.search(text):
        message = f"{text!r} is no address that apt can fetch a repository from"
        raise LabError(message, f"for example {URI_EXAMPLE}, or --uri file:///srv/tracer")
    if served and "@" in parts.netloc:
        message = "the address goes to every user, so it must not hold a user name or password"
        raise LabError(message, "apt reads those from /etc/apt/auth.conf.d")
    return text.rstrip("/") + "/"


def make_repository(packages: Packages, key: SigningKey, uri: str, target: Path) -> None:
    """Make ``target`` the repository of those packages, to be found at ``uri``, and of no others.

    What reprepro remembers is thrown away each time: it keeps one version of a package anyway,
    and a folder that depends on nothing but the tree and the key cannot go stale. Whoever wants
    an older version back makes the repository from the older tree.
    Raises LabError if gpg does not sign or reprepro refuses; ``target`` is then as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent)
    with locked("repository"), scratch as folder:
        new = Path(folder) / "new"
        new.mkdir()
        _include(packages, key, Path(folder) / "reprepro", new)
        export_public(key, new / KEYRING)
        _verify(new)
        sources = SOURCES_FILE.format(uri=uri, suite=SUITE, keyring=KEYRING)
        (new / SOURCES).write_text(sources, encoding="utf-8")
        # A web server reads it as another user, whatever umask this one has.
        run(["chmod", "--recursive", "u=rwX,go=rX", str(new)])
        _replace(target, new, Path(folder) / "earlier")


def _include(packages: Packages, key: SigningKey, state: Path, new: Path) -> None:
    """Let reprepro put the packages into ``new``; its own files are not to be served."""
    (state / "conf").mkdir(parents=True)
    distribution = DISTRIBUTION.format(suite=SUITE, fingerprint=key.fingerprint)
    (state / "conf" / "distributions").write_text(distribution, encoding="utf-8")
    folders = [f"--basedir={state}", f"--outdir={new}"]
    # The changelog names a suite of Debian, and changes from release to release.
    accept = ["--ignore=wrongdistribution", "include", SUITE, str(packages.changes)]
    run(["env", *environment(), "reprepro", *folders, *accept])


def _verify(new: Path) -> None:
    """See that the signature is valid for whoever has the published key and nothing else."""
    gpgv = ["gpgv", "--keyring", str(new / KEYRING)]
    run([*gpgv, str(new / "dists" / SUITE / "InRelease")])


def _replace(target: Path, new: Path, aside: Path) -> None:
    """Put ``new`` in the place of ``target``, which goes to ``aside``; back if that fails."""
    had_one = target.exists()
    if had_one:
        target.rename(aside)
    try:
        new.rename(target)
    except BaseException:
        if had_one:
            aside.rename(target)
        raise
