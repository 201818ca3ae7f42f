"""A GnuPG keyring that is thrown away: what the tests of the repository sign with."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tracer_lab.commands import run


@dataclass(frozen=True)
class Keyring:
    """A folder that gpg takes for the user's keyring."""

    home: Path

    def gpg(self, *arguments: str) -> str:
        """Run gpg on keys without passphrase and return what it prints. Raises LabError."""
        command = ["gpg", "--batch", "--quiet", "--pinentry-mode=loopback", "--passphrase="]
        return run([*command, *arguments])

    def make_key(self, address: str, *how: str) -> None:
        """Make a key that signs and never expires, or one of another sort. Raises LabError."""
        self.gpg("--quick-generate-key", address, *(how or ("ed25519", "sign", "never")))


@contextmanager
def throw_away_keyring() -> Iterator[Keyring]:
    """An empty keyring, which is this process's and its children's until the end of the block."""
    before = os.environ.get("GNUPGHOME")
    # The sockets in it must have short names.
    with tempfile.TemporaryDirectory(prefix="gnupg-") as home:
        os.environ["GNUPGHOME"] = home
        try:
            yield Keyring(Path(home))
            run(["gpgconf", "--kill", "all"])
        finally:
            os.environ.pop("GNUPGHOME")
            if before is not None:
                os.environ["GNUPGHOME"] = before
