"""The exporter as it runs: finds, reads, answers, until it is told to stop."""

from __future__ import annotations

import errno
import os
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app, write_to_textfile

from tracer_exporter.lock import FOLDER, Lock
from tracer_exporter.metrics import Page, Shown
from tracer_exporter.options import Options
from tracer_exporter.state import State
from tracer_exporter.watch import Watch
from tracer_tools.cli import complain
from tracer_tools.ctl.signals import handled, wait_for
from tracer_tools.errors import TracerError
from tracer_tools.finding import find
from tracer_tools.processes import command_name
from tracer_tools.rules import RuleBook, RuleFile, read_rules, rule_files
from tracer_tools.system import THIS_MACHINE, System

NAME = "prometheus-tracer-exporter"
# An open file keeps 4096 records: that many processes have to end in this time to lose one.
BETWEEN_RECORDS = 0.1
# Of its time, what it may spend on looking for processes, where there are very many.
SHARE_FOR_FINDING = 1 / 20
# How often the table is read where nobody asks, and the file for node-exporter is written.
BETWEEN_LOOKS = 15.0


class Server(ThreadingMixIn, WSGIServer):
    """A server that lets a slow reader not keep others waiting."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Take the address, without asking the network what its name is."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.setup_environ()


class Handler(WSGIRequestHandler):
    """A handler of requests that logs none."""

    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 -- as it is called
        """Log nothing."""


@dataclass
class Service:
    """The exporter. Readers are served by threads of their own, hence the lock around `watch`."""

    options: Options
    system: System = THIS_MACHINE
    watch: Watch = field(init=False)
    book: RuleBook = field(default_factory=RuleBook)
    stopped: bool = False
    to_reload: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _notes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.watch = Watch(self.system, say=partial(complain, NAME))

    def stop(self) -> None:
        """Come to an end."""
        self.stopped = True

    def reload(self) -> None:
        """Read the rules again, before anything else is done."""
        self.to_reload = True

    def read(self) -> State:
        """Return what there is to tell, as it is now."""
        with self._lock:
            return self.watch.look()

    def page(self) -> CollectorRegistry:
        """Return where prometheus_client gets the metrics from."""
        most = self.options.per_process
        registry = CollectorRegistry()
        command = partial(command_name, system=self.system)
        registry.register(Page(self.read, command, None if most is None else Shown(most)))
        return registry

    def run(self) -> None:
        """Run until a signal says to stop. Raises TracerError if it cannot begin."""
        lock = Lock(Path(os.environ.get("RUNTIME_DIRECTORY", FOLDER)))
        self.watch.take_over = lock.was_left_behind
        signals = {SIGHUP: self.reload, SIGTERM: self.stop, SIGINT: self.stop}
        page = self.page()
        try:
            with handled(signals) as wake, served(self.options, page):
                self._go_on(wake, page)
        finally:
            with self._lock:
                self.watch.stop()
            lock.release()
            if self.options.textfile is not None:
                with suppress(OSError):  # what is not counted any more is not to be shown
                    self.options.textfile.unlink(missing_ok=True)

    def _go_on(self, wake: int, page: CollectorRegistry) -> None:
        """Find processes again and again, and look at them now and then, until told to stop."""
        look_at = time.monotonic()
        while not self.stopped:
            if self.to_reload:
                self._reload()
            begun = time.monotonic()
            self._find()
            took = time.monotonic() - begun
            if begun >= look_at:
                self._look(page)
                look_at = begun + BETWEEN_LOOKS
            self._wait(wake, begun + max(self.options.interval, took / SHARE_FOR_FINDING))

    def _look(self, page: CollectorRegistry) -> None:
        """Read the table, whoever else does; write the file, if it is a file that is read."""
        file = self.options.textfile
        if file is None:
            self.read()
            return
        try:
            write_to_textfile(str(file), page)
        except OSError as error:
            complain(NAME, f"cannot write {file}: {error.strerror}")

    def _find(self) -> None:
        """Monitor what rules name now."""
        found = find(self.book.rules, self.system)
        for group, note in found.notes.items():
            if self._notes.get(group) != note:
                complain(NAME, f"group {group}: {note}")
        self._notes = dict(found.notes)
        with self._lock:
            self.watch.add(found.groups.items())

    def _wait(self, wake: int, end: float) -> None:
        """Take down records until then, or until a signal came."""
        while not self._is_called() and time.monotonic() < end:
            with self._lock:
                descriptors = dict.fromkeys(self.watch.descriptors(), select.POLLIN)
            wait_for(descriptors, wake, end - time.monotonic())
            with self._lock:
                self.watch.take_down()
            if not self._is_called():
                wait_for({}, wake, min(BETWEEN_RECORDS, end - time.monotonic()))

    def _is_called(self) -> bool:
        """Return whether a signal has something done."""
        return self.stopped or self.to_reload

    def _reload(self) -> None:
        """Read the rules again; a file with a fault goes on as it was before."""
        self.to_reload = False
        folder = self.options.rules
        try:
            book = read_rules(rule_files(self.system, folder), self.system)
        except TracerError as error:
            complain(NAME, f"{error}; the rules stay as they are")
            return
        for problem in book.problems:
            complain(NAME, str(problem))
        self.book = keeping(self.book, book)
        rules = self.book.rules
        with self._lock:
            self.watch.use(rules)
        complain(
            NAME, f"files with rules in {folder}: {len(self.book.files)}, groups: {len(rules)}"
        )


def keeping(old: RuleBook, new: RuleBook) -> RuleBook:
    """Return the new rules, and in place of a file with a fault what it said before.

    But without groups that another file has by now.
    """
    taken = {rule.group for rule in new.rules}
    files = {}
    for name, file in new.files.items():
        before = old.files.get(name)
        if file.problems and before is not None:
            kept = tuple(rule for rule in before.rules if rule.group not in taken)
            files[name] = RuleFile(name, kept, file.problems)
        else:
            files[name] = file
    return RuleBook(files)


@contextmanager
def served(options: Options, page: CollectorRegistry) -> Iterator[None]:
    """Answer readers meanwhile, unless it is a file that they read. Raises TracerError."""
    if options.textfile is not None:
        yield
        return
    address = options.listen
    Server.address_family = address.family
    try:
        server = make_server(address.host, address.port, make_wsgi_app(page), Server, Handler)
    except OSError as error:
        hint = "another program has it; give another one with --listen"
        text = f"cannot listen on {address}: {error.strerror}"
        raise TracerError(text, hint if error.errno == errno.EADDRINUSE else "") from error
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
