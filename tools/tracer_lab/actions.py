"""What changes a system: each action can say what it would do, and do it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from tracer_lab.commands import LINES_SHOWN
from tracer_lab.errors import LabError
from tracer_lab.layout import File
from tracer_tools.system import ADMIN_PATH

FOLDER_MODE = 0o755
WARNING = "WARNING: "  # as what dkms runs for tracer begins one


@dataclass(frozen=True)
class Write:
    """A file is to be there, with that content and mode."""

    path: Path
    file: File

    def __str__(self) -> str:
        return f"write {self.path}"

    def needed(self) -> bool:
        """Whether the file is another one now, or none."""
        try:
            mode = self.path.lstat().st_mode & 0o7777
            return mode != self.file.mode or self.path.read_bytes() != self.file.content
        except OSError:
            return True

    def do(self) -> str:
        """Write the file; whatever breaks that off leaves the one of before. Raises OSError."""
        make_folder(self.path.parent)
        unfinished = self.path.with_name(f".{self.path.name}.unfinished")
        unfinished.write_bytes(self.file.content)
        unfinished.chmod(self.file.mode)
        unfinished.replace(self.path)
        return ""


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, for everybody to read whatever the umask."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir()
        folder.chmod(FOLDER_MODE)


@dataclass(frozen=True)
class Remove:
    """A file, or a folder with all that is in it, is to go."""

    path: Path

    def __str__(self) -> str:
        return f"remove {self.path}"

    def do(self) -> str:
        """Remove it, if it is there. Raises OSError."""
        if self.path.is_dir() and not self.path.is_symlink():
            shutil.rmtree(self.path)
        else:
            self.path.unlink(missing_ok=True)
        return ""


@dataclass(frozen=True)
class Command:
    """A program is to be run, and to succeed."""

    words: Sequence[str]
    hint: str = ""  # what to do if it fails

    def __str__(self) -> str:
        return shlex.join(self.words)

    def do(self) -> str:
        """Run it and return what it printed. Raises LabError, with the end of that, if it fails."""
        # su leaves a user's PATH as it is, and dkms needs what is in sbin.
        environment = {**os.environ, "PATH": ADMIN_PATH, "LC_ALL": "C"}
        try:
            done = subprocess.run(
                self.words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
                env=environment,
            )
        except FileNotFoundError as error:
            raise LabError(f"{self.words[0]}: no such command", self.hint) from error
        if done.returncode != 0:
            tail = "".join(f"\n  | {line}" for line in done.stdout.splitlines()[-LINES_SHOWN:])
            raise LabError(f"exit status {done.returncode} from: {self}{tail}", self.hint)
        return done.stdout


Action = Union[Write, Remove, Command]


@dataclass(frozen=True)
class Step:
    """Actions with one purpose."""

    purpose: str
    actions: Sequence[Action]

    def do(self) -> list[str]:
        """Carry out its actions, in order, and return the warnings that they printed.

        Raises LabError at the first that fails.
        """
        printed = [line for action in self.actions for line in printed_by(action)]
        return [line for line in printed if line.startswith(WARNING)]


def printed_by(action: Action) -> list[str]:
    """Do an action and return the lines that it printed. Raises LabError if it fails."""
    try:
        return action.do().splitlines()
    except OSError as error:
        raise LabError(f"cannot {action}: {error.strerror}") from error
