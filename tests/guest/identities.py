"""Becoming another user, with or without capabilities, for good: only in a child."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Callable

ALICE = 4001
BOB = 4002
CAP_SYS_PTRACE = 19
CAP_PERFMON = 38
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
_PR_SET_KEEPCAPS = 8
_CAPABILITY_VERSION_3 = 0x20080522
_libc = ctypes.CDLL(None, use_errno=True)


def become(user: int, effective: int = -1, saved: int = -1) -> None:
    """Take on user ids: real, and effective and saved unless they are the same."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user if effective < 0 else effective, user if saved < 0 else saved)
    # Without this /proc/PID belongs to root and unshare(2) writes no maps.
    _call(_libc.prctl, 4, 1, 0, 0, 0)


def becoming(user: int, effective: int = -1, saved: int = -1) -> Callable[[], None]:
    """Give `become` with its arguments, to be called in a child."""
    return lambda: become(user, effective, saved)


def become_with_capability(user: int, capability: int) -> None:
    """Take on a user id and keep a single capability."""
    _call(_libc.prctl, _PR_SET_KEEPCAPS, 1, 0, 0, 0)
    become(user)
    words = [0, 0]
    words[capability // 32] = 1 << capability % 32
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(words[0], words[0], 0, words[1], words[1], 0)
    _call(_libc.capset, header, data)


def unshare(flags: int) -> None:
    """Leave namespaces (os.unshare is of Python 3.12). Raises OSError."""
    _call(_libc.unshare, flags)


def map_users(pid: int, lines: str) -> None:
    """Write the uid and gid map of a process in a new user namespace."""
    Path(f"/proc/{pid}/uid_map").write_text(lines, encoding="ascii")
    Path(f"/proc/{pid}/gid_map").write_text(lines, encoding="ascii")


def _call(function: Callable[..., int], *arguments: object) -> None:
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
