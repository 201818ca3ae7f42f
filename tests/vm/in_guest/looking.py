"""What the scripts in guests look at, and the commands that they run."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import subprocess
from pathlib import Path
from typing import Any


def node(path: Path) -> dict[str, Any]:
    """Say what a device node is and whose."""
    if not path.exists():
        return {}
    found = path.stat()
    return {
        "character device": stat.S_ISCHR(found.st_mode),
        "number": [os.major(found.st_rdev), os.minor(found.st_rdev)],
        "owner": pwd.getpwuid(found.st_uid).pw_name,
        "group": grp.getgrgid(found.st_gid).gr_name,
        "mode": oct(stat.S_IMODE(found.st_mode)),
    }


def ran(*command: str) -> dict[str, Any]:
    """Run a command; its exit status and all that it printed."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return {"status": done.returncode, "output": done.stdout}
