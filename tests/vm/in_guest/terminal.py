"""A terminal in a guest, kept by tmux: keys go in, and what a user would see comes out."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType

from outcomes import until


class Terminal:
    """A shell in a terminal of 80x24, of the kind that TERM names there."""

    def __init__(self, name: str, term: str, *settings: str) -> None:
        self._name = name
        # The shell is to say when it is ready in the same words everywhere.
        shell = ("env", f"TERM={term}", "LC_ALL=C.UTF-8", *settings, "PS1=ready> ")
        # The multiplexer itself draws on nothing; -u: what is in it may be UTF-8.
        command = ("new-session", "-d", "-s", name, "-x", "80", "-y", "24", *shell)
        self._tmux(*command, "bash", "--norc", "--noprofile", "-i")
        self.sees("ready>")

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._tmux("kill-session", "-t", self._name)

    def _tmux(self, *command: str) -> str:
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        words = ["tmux", "-u", "-f", "/dev/null", *command]
        return subprocess.run(
            words, env=environment, stdout=subprocess.PIPE, text=True, check=True
        ).stdout

    def keys(self, *keys: str) -> None:
        """Press keys, as tmux names them: q, Enter, C-c."""
        self._tmux("send-keys", "-t", self._name, *keys)

    def line(self, text: str) -> None:
        """Type a line and Enter."""
        self._tmux("send-keys", "-t", self._name, "-l", text)
        self.keys("Enter")

    def picture(self, *options: str) -> str:
        """What is on the screen now: 24 lines of text, or as many as it has."""
        return self._tmux("capture-pane", "-p", *options, "-t", self._name)

    def sees(self, *texts: str) -> str:
        """Wait until all of these are on the screen, and return it. Raises AssertionError."""

        def there() -> bool:
            picture = self.picture()
            return all(text in picture for text in texts)

        try:
            until(there, f"the screen shows {texts}")
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.picture()}") from None
        return self.picture()

    def resize(self, width: int, height: int) -> None:
        """Give the terminal another size."""
        self._tmux("resize-window", "-t", self._name, "-x", str(width), "-y", str(height))


def status_of(terminal: Terminal, file: Path) -> int:
    """Have the shell write the exit status of what it ran last."""
    file.unlink(missing_ok=True)
    terminal.line(f"echo $? > {file}.new; mv {file}.new {file}")
    until(file.exists, "the shell has said the exit status")
    return int(file.read_text(encoding="ascii"))
