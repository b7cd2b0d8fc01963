"""A bundle behind an endpoint: its socket, the server's thread, its graceful end."""

from __future__ import annotations

import contextlib
import http.client
import importlib
import json
import logging
import math
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sightkit._errors import SightkitError
from sightkit._scripts import warn
from sightkit.apps.deploy.serve_flags import ServeFlags, is_loopback
from sightkit.training.classifier import Classifier

PACKAGES = ("starlette", "uvicorn", "python_multipart")
ENDING = (signal.SIGINT, signal.SIGTERM)
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Names of all addresses of a machine to one that a browser can open."""
IDLE = 75
"""Seconds after which a connection is closed without a request: proxies keep theirs for 60."""


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        host: that it listens on.
        port: that it listens on.
        ended: set when it runs no more.
    """

    host: str
    port: int
    ended: threading.Event

    @property
    def address(self) -> str:
        """Of the page, on this machine."""
        host = ANY.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    def wait(self) -> None:
        """Wait for Ctrl-C or SIGTERM."""
        for each in ENDING:
            signal.signal(each, _end)
        with contextlib.suppress(KeyboardInterrupt):
            self.ended.wait()
            raise RuntimeError("The server ended by itself.")

    def predict(self, photo: bytes) -> dict[str, Any]:
        """Return the answer to the content of an image file."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request("POST", "/predict", photo, {"Content-Type": "image/*"})
            return json.load(connection.getresponse())


def _end(*_: object) -> None:
    """End by the first signal; a second one does not break off what is being answered."""
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; call it before a bundle is loaded, which takes seconds.

    Raises:
        SightkitError: a port that is taken, an address that is not this machine's, or packages
            that are not installed.
    """
    try:
        for name in PACKAGES:
            importlib.import_module(name)
    except ImportError as error:
        raise SightkitError(
            f"Serving needs starlette, uvicorn and python-multipart ({error}).",
            'Install the extra: pip install "sightkit[serve]".',
        ) from error
    if not is_loopback(host):
        warn(
            f"--host {host}: whoever reaches this machine can send requests, without a password or "
            "encryption. Put a proxy before it that has both, or leave --host out."
        )
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SightkitError(
            f"A server needs a free port of this machine ({error.strerror}).",
            "Choose another --port, or leave --host out; --port 0 takes any that is free.",
            host=host,
            port=port,
        ) from error


@contextlib.contextmanager
def serving(
    bundle: Classifier, flags: ServeFlags, listener: socket.socket | None = None
) -> Iterator[Server]:
    """Serve a classifier while the block runs; requests in progress are answered at its end.

    Args:
        bundle: as ``transfer.load`` returns it.
        flags: address and limits.
        listener: from ``listen``, by the flags if left out.
    """
    listener = listener or listen(flags.host, flags.port)
    import uvicorn

    from sightkit.apps.deploy.serve_app import Endpoint
    from sightkit.apps.deploy.serve_protocol import PatientProtocol
    from sightkit.apps.deploy.serve_queue import PhotoQueue

    port = listener.getsockname()[1]
    photos = PhotoQueue(bundle, top=flags.top, most_pixels=flags.most_pixels)
    endpoint = Endpoint(
        photos,
        {"classes": len(bundle.class_names)},
        most_bytes=flags.most_bytes,
        seconds=flags.seconds,
    )
    names = {"127.0.0.1", "localhost", "[::1]", flags.host}
    hosts = {f"{name}{end}" for name in names for end in ("", f":{port}")}
    config = uvicorn.Config(
        endpoint.app(hosts if is_loopback(flags.host) else None),
        http=PatientProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",  # an error of ours, with its traceback; none of what clients do
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=math.ceil(flags.seconds) + 1,  # each has had its time by then
    )
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # warnings of what clients do
    server, ended = uvicorn.Server(config), threading.Event()

    def run() -> None:
        try:
            server.run(sockets=[listener])
        finally:
            ended.set()

    threading.Thread(target=run, daemon=True).start()
    try:
        yield Server(flags.host, port, ended)
    finally:
        server.should_exit = True
        ended.wait()
        photos.close()
