"""Three systems with the exporter, and one Prometheus that reads them through forwarded ports.

The systems are of different suites, really booted. Whatever has to be asked of Prometheus is asked
while all three live; then one of them is unplugged, and the alert has to fire.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tracer_lab.cells import cell_named
from tracer_lab.commands import SHARE, as_root, in_root, run
from tracer_lab.exporter_system import exporter_system
from tracer_lab.guest_suite import TREE
from tracer_lab.machine import Machine, qemu_command
from tracer_lab.packages import Packages, build_packages
from tracer_lab.prometheus import ensure_prometheus
from tracer_lab.roots import (
    APT,
    ensure_base,
    log_of,
    throw_away_copy,
)
from tracer_lab.vm import Guest, boot

pytestmark = [pytest.mark.vm, pytest.mark.package]

SUITES = ("bookworm", "trixie", "forky")
IN_GUEST = Path(__file__).with_name("in_guest")
PCP = Path(__file__).with_name("pcp.sh")
MONITORING = TREE / "monitoring"
SECONDS = 3600  # emulated, on a busy machine
PATIENCE = 1800
INTERVAL = 10  # time enough for an emulated machine to answer
QUIET = 60  # seconds before and after the work
OPERATIONS = 1009
COLUMNS = {
    "kmalloc": "kmalloc_calls",
    "kfree": "kfree_calls",
    "kmalloc_mem": "kmalloc_bytes",
    "kfree_mem": "kfree_bytes",
    "sched": "schedule_calls",
    "up": "semaphore_up_calls",
    "down": "semaphore_down_calls",
    "lock": "mutex_lock_calls",
    "unlock": "mutex_unlock_calls",
}
# What Grafana puts in the place of its variables; the work was in the last quarter of an hour.
VARIABLES = {"$__rate_interval": "15m", "$__range": "1h", "$instance": ".*", "$group": ".*"}
# Those that have nothing to show while all is well.
EMPTY = re.compile(r"> 0$")


class UnpluggedError(Exception):
    """A guest was ended as by its plug."""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def until(condition: Callable[[], Any], what: str) -> Any:  # noqa: ANN401 -- what it gives
    """Wait until a condition gives something, and return that."""
    end = time.monotonic() + PATIENCE
    while True:
        with suppress(OSError):
            found = condition()
            if found:
                return found
        assert time.monotonic() < end, f"it never came true that {what}"
        time.sleep(0.5)


@dataclass
class Member:
    """A system of the fleet, which obeys orders."""

    name: str
    share: Path
    port: int = field(default_factory=free_port)
    orders: int = 0
    unplugged: threading.Event = field(default_factory=threading.Event)
    ended: str = ""

    def live(self, guest: Guest, machine: Machine) -> None:
        """Boot it and wait for its end, in a thread of its own."""
        try:
            launch = partial(qemu_command, machine)
            result = boot(guest, self.watch, self.is_lost, launch)
            self.ended = f"{result.status} {result.output}"
        except UnpluggedError:
            self.ended = "unplugged"
        except Exception as error:  # noqa: BLE001 -- of a thread: the tests are to say it
            self.ended = f"{error}"

    def watch(self) -> None:
        if self.unplugged.is_set():
            raise UnpluggedError

    def is_lost(self, what: str) -> None:
        raise UnpluggedError(what)  # it would come back without the orders

    def order(self, operations: int) -> int:
        """Order so many operations, or -1 for the end; return the number of the order."""
        number = self.orders
        unfinished = self.share / "unfinished"
        unfinished.write_text(str(operations))
        unfinished.rename(self.share / "orders" / str(number))
        self.orders += 1
        return number

    def answer(self, number: int) -> dict[str, int]:
        """Wait for the answer to an order: the row of the worker."""
        file = self.share / "answers" / str(number)
        until(lambda: self.ended or file.exists(), f"{self.name} answers")
        assert not self.ended, self.ended
        found: dict[str, int] = json.loads(file.read_text())
        return found


@contextmanager
def member(packages: Packages, suite: str) -> Iterator[Member]:
    """A system of a suite that boots, until the end of the block."""
    cell = cell_named(suite)
    with exporter_system(f"fleet-{suite}", cell, packages) as system:
        share = system.share
        shutil.copytree(IN_GUEST, share / IN_GUEST.name)
        for folder in ("orders", "answers"):
            (share / folder).mkdir()
        made = Member(suite, share)
        forwarded = f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{made.port}-:10042"
        options = ["-netdev", forwarded, "-device", "virtio-net-pci,netdev=net"]
        command = ["python3", f"{SHARE}/{IN_GUEST.name}/member.py", SHARE]
        guest = Guest(system.name, system.root, share, command, SECONDS)
        machine = Machine(system.disk, system.initramfs, options=options)
        thread = threading.Thread(target=made.live, args=[guest, machine])
        thread.start()
        try:
            yield made
        finally:
            made.unplugged.set()
            thread.join()


@dataclass
class Prometheus:
    """A server on loopback."""

    port: int

    def ask(self, path: str, **query: str) -> Any:  # noqa: ANN401 -- JSON
        address = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=60) as answer:
            found = json.load(answer)
        assert found["status"] == "success", found
        return found["data"]

    def vector(self, expression: str, **query: str) -> dict[str, float]:
        """The values of an expression, by the label group, or else by machine."""
        result = self.ask("query", query=expression, **query)["result"]
        return {
            one["metric"].get("group", one["metric"].get("instance", "")): float(one["value"][1])
            for one in result
        }


@contextmanager
def prometheus(members: list[Member], folder: Path) -> Iterator[Prometheus]:
    """Debian's Prometheus, which reads the members by their own names."""
    shutil.copy(MONITORING / "alerts.yml", folder)
    targets = [
        {"targets": [f"127.0.0.1:{one.port}"], "labels": {"instance": one.name}} for one in members
    ]
    settings = {
        "global": {"scrape_interval": f"{INTERVAL}s", "evaluation_interval": f"{INTERVAL}s"},
        "rule_files": ["alerts.yml"],
        "scrape_configs": [{"job_name": "tracer", "static_configs": targets}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(settings))  # JSON is YAML
    port = free_port()
    command = [
        str(ensure_prometheus() / "prometheus"),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield Prometheus(port)
        finally:
            process.terminate()
            process.wait()


@dataclass
class Fleet:
    """All of it."""

    members: list[Member]
    server: Prometheus

    def order(self, operations: int) -> dict[str, int]:
        """Have every worker do so many operations; return the sums of their rows after that."""
        orders = [(one, one.order(operations)) for one in self.members]
        rows = [one.answer(number) for one, number in orders]
        return {column: sum(row[column] for row in rows) for column in COLUMNS}

    def scraped(self) -> float:
        """Wait until everybody has been read, from now on; return a time after that."""
        now = time.time()

        def all_are() -> bool:
            # One that did not answer in time is left out, and what it said before is void.
            times = self.server.vector("timestamp(tracer_up)")
            return len(times) == len(self.members) and min(times.values()) > now

        until(all_are, "all are read again")
        return time.time()

    def has_been_read_for(self, seconds: int) -> None:
        """Wait until everybody has been read for so long."""
        samples = f"count_over_time(tracer_up[{seconds}s])"

        def all_have() -> bool:
            counts = self.server.vector(samples)
            # The window need not begin with a sample.
            enough = seconds // INTERVAL - 1
            return len(counts) == len(self.members) and min(counts.values()) >= enough

        until(all_have, "all have been read for long enough")

    def totals(self, at: float) -> dict[str, int]:
        """What Prometheus has of the group by then, summed over the machines."""
        asked = {
            column: self.server.vector(
                f'sum by (group) (tracer_{name}_total{{group="worker"}})', time=str(at)
            )
            for column, name in COLUMNS.items()
        }
        return {column: int(values["worker"]) for column, values in asked.items()}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    packages = build_packages(TREE, TREE / "dist")
    with ExitStack() as stack:
        members = [stack.enter_context(member(packages, suite)) for suite in SUITES]
        folder = tmp_path_factory.mktemp("prometheus")
        server = stack.enter_context(prometheus(members, folder))
        until(
            lambda: (
                any(one.ended for one in members)
                or server.vector('count(tracer_group_processes{group="worker"} == 1)') == {"": 3}
            ),
            "three machines have the worker",
        )
        assert [one.ended for one in members] == ["", "", ""]
        yield Fleet(members, server)


def test_sums_are_those_of_the_rows_in_the_guests(fleet: Fleet) -> None:
    first = fleet.order(0)
    fleet.has_been_read_for(QUIET)
    begun = fleet.scraped()
    assert fleet.totals(begun) == first
    second = fleet.order(OPERATIONS)
    ended = fleet.scraped()
    assert fleet.totals(ended) == second
    assert second["lock"] - first["lock"] >= len(SUITES) * OPERATIONS

    # A rate is of the samples in its window, extended to its ends: here by a tenth at most.
    window = int(ended - begun) + 2 * QUIET
    fleet.has_been_read_for(window)
    now = fleet.scraped()
    assert now - window < begun
    for column, name in COLUMNS.items():
        grown = second[column] - first[column]
        asked = f'sum by (group) (rate(tracer_{name}_total{{group="worker"}}[{window}s]))'
        (rate,) = fleet.server.vector(asked, time=str(now)).values()
        assert rate * window == pytest.approx(grown, rel=0.15), name


def expressions() -> dict[str, str]:
    """Every expression of alerts and dashboard, with values for its variables."""
    texts = re.findall(r"^ *expr: (.*)$", (MONITORING / "alerts.yml").read_text(), re.MULTILINE)
    found = dict.fromkeys(texts, "alert")
    for panel in json.loads((MONITORING / "dashboard.json").read_text())["panels"]:
        for target in panel["targets"]:
            text = target["expr"]
            for name, value in VARIABLES.items():
                text = text.replace(name, value)
            found[text] = "panel"
    return found


@pytest.mark.parametrize(("expression", "kind"), list(expressions().items()))
def test_the_server_answers_every_expression(fleet: Fleet, expression: str, kind: str) -> None:
    result = fleet.server.ask("query", query=expression)["result"]
    assert bool(result) == (kind == "panel" and not EMPTY.search(expression))


def test_no_alert_fires_while_all_is_well(fleet: Fleet) -> None:
    assert fleet.server.ask("alerts")["alerts"] == []


def test_every_target_is_up_by_its_own_name(fleet: Fleet) -> None:
    assert fleet.server.vector("tracer_up") == dict.fromkeys(SUITES, 1.0)
    assert fleet.server.vector("up") == dict.fromkeys(SUITES, 1.0)


def test_performance_co_pilot_reads_the_same_page(fleet: Fleet) -> None:
    one = fleet.members[0]
    name = "fleet-pcp"
    with throw_away_copy(ensure_base(cell_named("bookworm")), name) as root:
        log = log_of(name)
        run(in_root(root, [*APT, "update"]), log=log)
        # Its maintainer scripts start services, unless they are told that there is no systemd.
        quiet = ["env", "SYSTEMD_OFFLINE=1", *APT, "install", "pcp", "python3-requests"]
        run(in_root(root, quiet), log=log)
        run(as_root(["cp", str(PCP), str(root / "tmp" / PCP.name)]))
        address = f"http://127.0.0.1:{one.port}/metrics"
        said = run(in_root(root, ["sh", f"/tmp/{PCP.name}", address, str(free_port())]))
    found = dict(re.findall(r'inst \[\d+ or "\d+ group:(\w+)"\] value (\S+)', said))
    asked = f'tracer_mutex_lock_calls_total{{group="worker", instance="{one.name}"}}'
    assert {group: float(value) for group, value in found.items()} == fleet.server.vector(asked)
    assert re.search(r"tracer_up\n +value 1\n", said)


def test_an_unplugged_machine_has_the_alert_fire(fleet: Fleet) -> None:
    lost, *others = fleet.members
    lost.unplugged.set()

    def firing() -> list[tuple[str, str]]:
        return [
            (alert["labels"]["alertname"], alert["labels"]["instance"])
            for alert in fleet.server.ask("alerts")["alerts"]
            if alert["state"] == "firing"
        ]

    assert until(firing, "an alert fires") == [("TracerExporterDown", lost.name)]
    assert fleet.server.vector("sum(tracer_up)") == {"": len(others)}
    assert lost.ended == "unplugged"


def test_the_others_end_in_order(fleet: Fleet) -> None:
    for one in fleet.members[1:]:
        one.order(-1)
        until(lambda one=one: one.ended, f"{one.name} has ended")  # type: ignore[misc]
        assert one.ended.startswith("0 "), one.ended
