"""Checks of /dev/tracer: what node it is, who may open it, and that requests take effect."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from tracer_tools.check.distribution import identify
from tracer_tools.check.engine import Finding, failed, passed
from tracer_tools.device import DEVICE, MAJOR, MINOR, Tracer
from tracer_tools.errors import DeviceError, RequestError
from tracer_tools.module import MODULE, RELOAD, read_number
from tracer_tools.refusals import GROUP, KPROBES_ON
from tracer_tools.system import Node, System
from tracer_tools.table import snapshot

OWNER = "root"
MODE = 0o660
RULES = ("/usr/lib/udev/rules.d", "/lib/udev/rules.d", "/etc/udev/rules.d")


def node_right(system: System) -> Finding:
    """Find out whether the device node is the right one and belongs to the right people."""
    try:
        node = system.node(DEVICE)
    except FileNotFoundError:
        return failed(f"{DEVICE} is not there, though the module is loaded.", make_node())
    if not node.is_character_device or (node.major, node.minor) != (MAJOR, MINOR):
        what = f"device {node.major}:{node.minor}" if node.is_character_device else "no device"
        mend = f"sudo rm {DEVICE} && {make_node()}"
        return failed(f"{DEVICE} is {what} instead of {MAJOR}:{MINOR}.", mend)
    if (node.owner, node.group, node.mode) == (OWNER, GROUP, MODE):
        return passed(f"{DEVICE} is {MAJOR}:{MINOR}, {described(node)}.")
    if system.group_members(GROUP) is None:
        fact = f"There is no group {GROUP}, so {DEVICE} is {described(node)}."
        return failed(fact, f"sudo groupadd --system {GROUP} && {mend_node(system)}")
    fact = f"{DEVICE} is {described(node)} instead of {OWNER}:{GROUP} {MODE:04o}."
    return failed(fact, mend_node(system))


def described(node: Node) -> str:
    """Return owner, group and mode as people write them."""
    return f"{node.owner}:{node.group} {node.mode:04o}"


def make_node() -> str:
    """Return the command that makes the node anew."""
    mode = f"{MODE:04o}"
    return f"sudo mknod -m {mode} {DEVICE} c {MAJOR} {MINOR} && sudo chgrp {GROUP} {DEVICE}"


def mend_node(system: System) -> str:
    """Return the command that gives the node its owner and mode: by udev's rule if it is there."""
    for folder in RULES:
        if any(system.path(folder).glob("*tracer*.rules")):
            return f"sudo udevadm trigger --name-match={DEVICE}"
    return f"sudo chown {OWNER}:{GROUP} {DEVICE} && sudo chmod {MODE:04o} {DEVICE}"


def may_open(system: System) -> Finding:
    """Find out whether this user can open the device."""
    user = system.user()
    try:
        Tracer(system).close()
    except DeviceError as error:
        if not isinstance(error.__cause__, PermissionError):
            return failed(f"{error.message}.", RELOAD)
        return may_not_open(system)
    return passed(f"{user.name} can open {DEVICE}.")


def may_not_open(system: System) -> Finding:
    """Return why this user is kept from the device."""
    user = system.user()
    if GROUP in user.groups:
        fact = f"{user.name} may not open {DEVICE}, though in the group {GROUP}."
        return failed(fact, mend_node(system))
    if user.name in (system.group_members(GROUP) or ()):
        fact = f"{user.name} joined the group {GROUP} after this login, so it is not in force."
        return failed(fact, f"newgrp {GROUP}")
    fact = f"{user.name} may not open {DEVICE}, not being in the group {GROUP} (log in again then)."
    return failed(fact, identify(system).join_group(user.name, GROUP))


@contextmanager
def self_monitored(system: System) -> Iterator[bool]:
    """Monitor this process in the meantime; give whether it already was, and then leave it so."""
    with Tracer(system) as tracer:
        try:
            tracer.add(system.pid())
        except RequestError as error:
            if error.errno != errno.EEXIST:
                raise
            yield True
            return
        try:
            yield False
        finally:
            tracer.remove(system.pid())


def refused(error: RequestError, system: System) -> Finding:
    """Return the finding for a refused request, with what would let it through."""
    command = ""
    if error.errno == errno.EBUSY:
        command = KPROBES_ON
    elif error.errno == errno.ENOSPC:
        limit = read_number(f"{MODULE}/parameters/max_processes", system)
        command = f"{RELOAD} max_processes={2 * limit}"
    return failed(f"A request was refused: {error.message}.", command)


def round_trip(system: System) -> Finding:
    """Find out whether adding and removing take effect, on this process itself."""
    pid = system.pid()
    try:
        with self_monitored(system) as before:
            listed = any(row.pid == pid for row in snapshot(system))
    except RequestError as error:
        return refused(error, system)
    if not listed:
        return failed(f"Process {pid} (this one) was added, but has no row.", RELOAD)
    if before:
        return passed(f"Process {pid} (this one) is monitored already, and was left so.")
    if any(row.pid == pid for row in snapshot(system)):
        return failed(f"Process {pid} (this one) was removed, but its row is still there.", RELOAD)
    return passed(f"Process {pid} (this one) could be added and removed.")
