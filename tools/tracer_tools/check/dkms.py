"""What dkms says of the module for the running kernel."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tracer_tools.check.distribution import identify
from tracer_tools.check.engine import Finding, Status, failed, passed, skipped, warned
from tracer_tools.check.kernel import has_headers
from tracer_tools.check.module import modinfo
from tracer_tools.errors import FormatError
from tracer_tools.lines import whole_lines
from tracer_tools.module import is_loaded
from tracer_tools.system import System

TREE = "/var/lib/dkms/tracer"
LOG_LINES = 12
MAKE_FAILED = re.compile(r"make: \*\*\*")
# dkms 2 writes "tracer, 1.0.0, KERNEL, ARCH: installed", dkms 3 "tracer/1.0.0, KERNEL, ...";
# what is only added has no kernel, and remarks in parentheses may follow. Where weak-modules has
# linked what was built for another kernel, both write "tracer, 1.0.0, KERNEL, ARCH: installed-weak
# from OTHER".
STATUS_LINE = re.compile(
    r"tracer(?:/|, )(?P<version>[^,:/\s]+)"
    r"(?:, (?P<kernel>[^,\s]+), (?P<arch>[^,:\s]+))?"
    r": (?P<state>added|broken|built|installed|installed-weak)"
    r"(?: (?P<remark>from \S+|\(.*\)))?"
)


@dataclass(frozen=True)
class Entry:
    """One line of ``dkms status``; ``kernel`` and ``arch`` are empty for one built for none."""

    version: str
    kernel: str
    arch: str
    state: str
    remark: str

    @property
    def altered(self) -> bool:
        """Whether somebody has changed or deleted the module's file since, as dkms remarks."""
        return re.search(r"[Dd]iff|[Mm]issing", self.remark) is not None


def parse_status(text: str) -> list[Entry]:
    """Return the entries of tracer in the output of ``dkms status``.

    Raises FormatError, which names the line, for one about tracer that is not understood or one
    that is cut off.
    """
    entries = []
    for number, line in enumerate(whole_lines(text, "dkms status"), start=1):
        if not line.startswith(("tracer/", "tracer,")):
            continue
        match = STATUS_LINE.fullmatch(line.rstrip())
        if match is None:
            raise FormatError(f"dkms status: line {number}: not understood: {line!r}")
        fields = ("version", "kernel", "arch", "state", "remark")
        entries.append(Entry(*(match[field] or "" for field in fields)))
    return entries


def module_built(system: System) -> Finding:
    """Find out whether dkms has built and installed the module for the running kernel."""
    ran = system.run("dkms", "status", "-m", "tracer")
    if ran is None:
        return without_dkms(system, "dkms is not installed")
    if ran.status != 0 and not ran.output:
        return skipped(f"dkms status failed: {first_line(ran.errors)}.")
    entries = parse_status(ran.output)
    if not entries and f"{TREE}/" in ran.errors:  # dkms 2.8 and 3.0 have no state for this
        return source_gone(system)
    if not entries:
        return without_dkms(system, "dkms does not have tracer")
    here = [entry for entry in entries if entry.kernel == system.release()]
    installed = [entry for entry in here if entry.state.startswith("installed")]
    if installed:
        return is_installed(installed[-1], system)
    return is_not_installed((here or entries)[-1], system)


def without_dkms(system: System, fact: str) -> Finding:
    """Return a failure, unless somebody has installed or loaded the module in another way."""
    if is_loaded(system) or modinfo(system, "filename"):
        return skipped(f"{fact}: the module came in another way.")
    command = "sudo apt install ./tracer-dkms_*.deb" if identify(system).has_apt else ""
    return failed(f"{fact}, and the module is not installed in another way.", command)


def file_installed(system: System) -> Finding:
    """Find out whether the module's file is where modprobe looks for it."""
    release = system.release()
    file = modinfo(system, "filename")
    if file is None:
        return skipped("modinfo is not installed, so the module's file cannot be looked up.")
    # modinfo looks up a name in a list that may be older than the files.
    if file and system.path(file).exists():
        return passed(f"The module for {release} is {file}.")
    if is_loaded(system):
        fact = f"tracer is loaded, but not installed for {release}: a reboot ends it."
    else:
        fact = f"No module tracer is installed for {release}."
    ran = system.run("dkms", "status", "-m", "tracer")
    entries = parse_status(ran.output) if ran is not None else []
    return not_there(system, fact, install_again(entries[-1].version, release) if entries else "")


def install_again(version: str, release: str) -> str:
    """Return the command that installs the module whatever dkms believes."""
    return f"sudo dkms install --force tracer/{version} -k {release}"


def is_installed(entry: Entry, system: System) -> Finding:
    """Return the finding for a module that is installed, if only with a remark."""
    reason = modinfo(system, "unsupported")
    if reason:
        return stands_in(entry, system, reason)
    fact = f"dkms has installed tracer {entry.version} for {entry.kernel}."
    if entry.altered:
        again = install_again(entry.version, entry.kernel)
        return warned(f"{fact[:-1]}, but remarks {entry.remark}.", again)
    return passed(fact)


def stands_in(entry: Entry, system: System, reason: str) -> Finding:
    """Return the finding for what is installed where tracer does not compile or work."""
    log = failure(system, f"{TREE}/{entry.version}/{entry.kernel}/{entry.arch}/log/make.log")
    fact = f"The module tracer {entry.version} for {entry.kernel} only refuses to load: {reason}"
    if not log:
        return not_there(system, f"{fact}.", "")
    return not_there(system, f"{fact}; its log follows.", identify(system).newer_tracer(), log)


def is_not_installed(entry: Entry, system: System) -> Finding:
    """Return why there is no module for the running kernel, from the state that dkms is in."""
    release = system.release()
    name = f"tracer {entry.version}"
    install = f"sudo dkms install tracer/{entry.version} -k {release}"
    log = build_log(entry.version, system)
    if entry.state == "broken":
        return source_gone(system)
    if entry.kernel == release:
        return not_there(system, f"dkms has built {name} for {release}, not installed it.", install)
    if not has_headers(system):
        headers = identify(system).install_headers(release, system)
        fact = f"dkms has {name}, but did not build it for {release}: its headers were missing."
        build = f"sudo dkms autoinstall -k {release}"
        # A reboot into another kernel builds for that one by itself.
        command = headers if "reboot" in headers or not headers else f"{headers} && {build}"
        return not_there(system, fact, command)
    if log:
        fact = f"dkms could not build {name} for {release}; its log ends as follows."
        return not_there(system, fact, install, log)
    return not_there(system, f"dkms has {name}, but not built it for {release}.", install)


def source_gone(system: System) -> Finding:
    """Return the finding for a module whose source dkms no longer has."""
    command = "sudo apt install --reinstall ./tracer-dkms_*.deb" if identify(system).has_apt else ""
    return not_there(system, "dkms misses the module's source in /usr/src.", command)


def not_there(system: System, fact: str, command: str, detail: tuple[str, ...] = ()) -> Finding:
    """Return a failure, or a warning if the module is loaded all the same."""
    status = Status.WARN if is_loaded(system) else Status.FAIL
    return Finding(status, fact, command, detail)


def build_log(version: str, system: System) -> tuple[str, ...]:
    """Return the end of the log of a build for the running kernel that failed, if one did."""
    file = f"{TREE}/{version}/build/make.log"
    try:
        heading = system.read(file).partition("\n")[0]
    except OSError:
        return ()
    return failure(system, file) if f"for kernel {system.release()} " in heading else ()


def failure(system: System, file: str) -> tuple[str, ...]:
    """Return the end of what make printed until it failed, empty if it did not."""
    try:
        lines = [line.rstrip() for line in system.read(file).splitlines() if line.strip()]
    except OSError:
        return ()
    failed_at = [number for number, line in enumerate(lines) if MAKE_FAILED.match(line)]
    return tuple(lines[: failed_at[-1] + 1][-LOG_LINES:]) if failed_at else ()


def first_line(text: str) -> str:
    """Return the first line of what a command wrote, without its full stop."""
    return (text.strip().splitlines() or ["it said nothing"])[0].rstrip(".")
