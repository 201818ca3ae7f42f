"""A web server on loopback, as a repository of packages is served from."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Silent(SimpleHTTPRequestHandler):
    """A handler that logs nothing."""

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 -- as it is called
        """Log nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server that has that folder, until the end of the block; without a slash."""
    handler = partial(Silent, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
