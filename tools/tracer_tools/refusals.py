"""The kernel's refusals in words: one sentence for each errno, and what to do."""

from __future__ import annotations

import errno
import os

from tracer_tools.errors import DeviceError, RequestError
from tracer_tools.module import MODULE, RELOAD, is_loaded
from tracer_tools.processes import MAX_PID, find_process
from tracer_tools.system import System

GROUP = "tracer"
KPROBES_ON = "echo 1 | sudo tee /sys/kernel/debug/kprobes/enabled"


def no_device(device: str, error: OSError, system: System) -> DeviceError:
    """Return why the device could not be opened."""
    if error.errno in {errno.ENOENT, errno.ENXIO, errno.ENODEV}:
        what = "is not there" if error.errno == errno.ENOENT else "leads to no driver"
        if is_loaded(system):
            return DeviceError(f"{device} {what}, though the module is loaded", "run tracer-check")
        return DeviceError(
            f"{device} {what}, so the module is not loaded", "run 'sudo modprobe tracer'"
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return DeviceError(f"you may not open {device}", _way_in(device, system))
    return DeviceError(f"{device} cannot be opened: {os.strerror(error.errno or errno.EIO)}")


def no_records(device: str, error: OSError) -> DeviceError:
    """Return why no records could be read from the device."""
    if error.errno == errno.EINVAL:  # a driver without read(2) says this
        return not_understood(device, error)
    return DeviceError(f"{device} cannot be read: {os.strerror(error.errno or errno.EIO)}")


def not_understood(device: str, error: OSError) -> DeviceError:
    """Return why a module does not know what is asked of it."""
    if error.errno not in {errno.ENOTTY, errno.EINVAL}:
        return DeviceError(f"{device}: {os.strerror(error.errno or errno.EIO)}")
    return DeviceError("the loaded module is older than tracer-tools", f"run '{RELOAD}'")


def _way_in(device: str, system: System) -> str:
    """Return what lets this user open the device: group membership or a mended node."""
    user = system.user()
    members = system.group_members(GROUP)
    if members is None:
        return "there is no group tracer; use sudo"
    if GROUP in user.groups:
        return f"its group or mode is wrong; run 'sudo udevadm trigger --name-match={device}'"
    if user.name in members:
        return "you joined the group tracer after this login; log in again, or run 'newgrp tracer'"
    return f"run 'sudo adduser {user.name} {GROUP}', then log in again"


def no_pid(pid: int) -> RequestError:
    """Return why a number cannot be a process."""
    return RequestError(
        f"{pid} is no PID", f"give a number from 1 to {MAX_PID}", pid=pid, errno=errno.EINVAL
    )


def not_added(pid: int, number: int, system: System) -> RequestError:
    """Return why a process could not be added, for the errno `number`."""
    message, hint = _why_not_added(pid, number, system)
    return RequestError(message, hint, pid=pid, errno=number)


def not_removed(pid: int, number: int, system: System) -> RequestError:
    """Return why a process could not be removed, for the errno `number`."""
    if number == errno.ESRCH and find_process(pid, system) is not None:
        return RequestError(f"process {pid} is not monitored", pid=pid, errno=number)
    return refused(pid, number, system)


def refused(pid: int, number: int, system: System) -> RequestError:
    """Return why any request about a process was refused, for the errno `number`."""
    message, hint = _why_refused(pid, number, system)
    return RequestError(message, hint, pid=pid, errno=number)


def _why_not_added(pid: int, number: int, system: System) -> tuple[str, str]:
    if number == errno.EEXIST:
        return f"process {pid} is monitored already", ""
    if number == errno.ENOSPC:
        places = f"{_limit(system)} can be monitored, the last sixteenth by root alone"
        hint = "remove some, use sudo, or load the module with a larger max_processes"
        return f"no room for process {pid}: {places}", hint
    if number == errno.EBUSY:
        return f"process {pid} cannot be monitored while kprobes are off", f"run '{KPROBES_ON}'"
    if number == errno.ENOMEM:
        return f"the kernel has no memory left to monitor process {pid}", ""
    process = find_process(pid, system)
    if number == errno.ESRCH and process is not None and process.zombie:
        return f"process {pid} has ended", "only its parent has yet to take notice (a zombie)"
    return _why_refused(pid, number, system)


def _why_refused(pid: int, number: int, system: System) -> tuple[str, str]:
    """Return message and hint for what every request can answer."""
    if number == errno.ESRCH:
        return f"no process {pid}", ""
    if number == errno.EPERM:
        return f"process {pid} is not yours to monitor", _whose(pid, system)
    if number == errno.EINVAL:
        process = find_process(pid, system)
        if process is not None and process.leader != pid:
            leader = process.leader
            return f"{pid} is a thread of process {leader}", f"give {leader}"
        return f"{pid} is the PID of no process", ""
    return f"process {pid}: {os.strerror(number)}", ""


def _whose(pid: int, system: System) -> str:
    process = find_process(pid, system)
    if process is None or process.owner == system.user().name:
        return "not all its user ids are yours; use sudo"
    return f"it belongs to {process.owner}; use sudo"


def _limit(system: System) -> str:
    """Return how many processes can be monitored at once."""
    try:
        return system.read(f"{MODULE}/parameters/max_processes").strip()
    except OSError:
        return "max_processes"
