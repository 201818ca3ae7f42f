"""The key that signs the repository: one of the user's GnuPG keyring, found there and tried."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from tracer_lab.commands import run
from tracer_lab.errors import LabError

LIST = "gpg --list-secret-keys"
# Numbers of algorithms, as gpg's doc/DETAILS gives them (RFC 4880, 9.1).
RSA, DSA = 1, 17
LEAST_RSA_BITS = 2048
NOT_FOUND = ("No secret key", "No public key")  # gpg's words, which LC_ALL=C keeps English


@dataclass(frozen=True)
class Part:
    """A primary key or a subkey, as a line of gpg's listing has it."""

    validity: str  # e: expired, r: revoked
    bits: int
    algorithm: int
    expires: str  # seconds since 1970; empty if it never does
    uses: str  # s: it signs; D, of a primary key: the whole key is disabled
    token: str  # "#": the secret part is elsewhere

    @property
    def expiry_day(self) -> str:
        """The day in UTC on which it expires, or expired; empty if it never does."""
        if not self.expires:
            return ""
        return str(datetime.fromtimestamp(int(self.expires), timezone.utc).date())

    @property
    def weak(self) -> bool:
        """Whether apt of trixie and later does not accept it, whoever trusts it."""
        return self.algorithm == DSA or (self.algorithm == RSA and self.bits < LEAST_RSA_BITS)


@dataclass(frozen=True)
class SigningKey:
    """A key of the keyring with a secret part, or what gpg calls a stub of one."""

    fingerprint: str
    owner: str
    parts: tuple[Part, ...]  # the primary key first

    @property
    def fault(self) -> str:
        """Why it cannot sign a repository, to be read after its name; empty if it can."""
        primary = self.parts[0]
        valid = [part for part in self.parts if part.validity not in ("e", "r")]
        signing = [part for part in valid if "s" in part.uses]
        here = [part for part in signing if part.token != "#"]  # noqa: S105 -- no password
        faults = {
            "is revoked": primary.validity == "r",
            f"expired on {primary.expiry_day}": primary.validity == "e",
            "is disabled": "D" in primary.uses,
            "has no part that may sign and is neither expired nor revoked": not signing,
            "has no secret part here that may sign": not here,
            f"is too weak for apt: DSA, or RSA with fewer than {LEAST_RSA_BITS} bits": primary.weak
            or any(part.weak for part in here),
        }
        return next((fault for fault, there in faults.items() if there), "")

    def __str__(self) -> str:
        return f"{self.fingerprint} ({self.owner})"


def find_key(wanted: str) -> SigningKey:
    """The one key that ``wanted``, a fingerprint, key ID or e-mail address, names.

    Raises LabError if there is none that can sign, or more than one.
    """
    if not wanted.strip():
        raise LabError("the key that signs is not named", f"add --key, with one of: {LIST}")
    keys = parse_keys(_listed("--list-secret-keys", wanted))
    usable = [key for key in keys if not key.fault]
    if len(usable) == 1:
        return usable[0]
    if usable:
        found = ", ".join(map(str, usable))
        hint = f"give --key the fingerprint of one; to see them: {LIST}"
        raise LabError(f"{wanted!r} names {len(usable)} keys: {found}", hint)
    if keys:
        faults = "; ".join(f"key {key} {key.fault}" for key in keys)
        raise LabError(f"{faults}: it cannot sign", f"choose another of: {LIST}")
    if _listed("--list-keys", wanted):
        message = f"of {wanted!r} the GnuPG keyring has only the public part: it cannot sign"
        raise LabError(message, f"choose one of: {LIST}")
    hint = f"choose one of: {LIST}; to make one: gpg --quick-generate-key {wanted!r} rsa4096 sign"
    raise LabError(f"the GnuPG keyring has no secret key for {wanted!r}", hint)


def _listed(what: str, wanted: str) -> str:
    """What gpg lists of the keys that ``wanted`` names; empty if it names none."""
    options = ["--batch", "--no-tty", "--with-colons", "--fixed-list-mode"]
    try:
        return run([*gpg(), *options, what, "--", wanted])
    except LabError as error:
        if any(words in error.message for words in NOT_FOUND):
            return ""
        raise


def parse_keys(listing: str) -> list[SigningKey]:
    """The keys in what ``gpg --with-colons --list-secret-keys`` printed.

    Raises LabError for a listing of another form.
    """
    keys: list[list[list[str]]] = []
    for line in listing.splitlines():
        fields = line.split(":")
        if fields[0] == "sec":
            keys.append([])
        if keys:
            keys[-1].append(fields)
    try:
        return [_key(records) for records in keys]
    except (IndexError, StopIteration, ValueError) as error:
        raise LabError("gpg lists its keys in an unknown form", f"compare: {LIST}") from error


def _key(records: Sequence[Sequence[str]]) -> SigningKey:
    """The key that the lines of one ``sec`` and what follows it describe."""
    parts = tuple(
        Part(fields[1], int(fields[2]), int(fields[3]), fields[6], fields[11], fields[14])
        for fields in records
        if fields[0] in ("sec", "ssb")
    )
    fingerprint = next(fields[9] for fields in records if fields[0] == "fpr")
    owner = next((fields[9] for fields in records if fields[0] == "uid"), "no name")
    return SigningKey(fingerprint, owner.replace("\\x3a", ":"), parts)


def gpg() -> list[str]:
    """The command gpg, in English, and able to ask for a passphrase where there is a terminal."""
    return ["env", *environment(), "gpg"]


def environment() -> list[str]:
    """Settings for whatever signs: a pipe is its input, so it cannot see the terminal itself."""
    terminal = [f"GPG_TTY={os.ttyname(sys.stdin.fileno())}"] if sys.stdin.isatty() else []
    return ["LC_ALL=C.UTF-8", *terminal]


def try_key(key: SigningKey) -> None:
    """Sign something of no value, so that gpg asks for a passphrase now and remembers it.

    Raises LabError if gpg does not sign: no passphrase, no smart card, no agent.
    """
    sign = [*gpg(), "--quiet", "--armor", "--local-user", key.fingerprint, "--detach-sign"]
    try:
        run(sign, stdin="a trial\n")
    except LabError as error:
        words = re.findall(r"gpg: (.*)", error.message)
        message = f"gpg does not sign with key {key}: {words[-1] if words else error.message}"
        by_hand = f"gpg --local-user {key.fingerprint} --clear-sign --output /dev/null README.md"
        raise LabError(message, f"see that this works: {by_hand}") from error


def export_public(key: SigningKey, file: Path) -> None:
    """Write the public part, without signatures of others, as apt reads it."""
    options = ["--batch", "--no-tty", "--export-options", "export-minimal"]
    run([*gpg(), *options, "--output", str(file), "--export", key.fingerprint])
