"""The flags of scripts/deploy/serve.py."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from sightkit import training
from sightkit._errors import SightkitError, require_at_least


@dataclass(frozen=True)
class ServeFlags:
    """Where a bundle is served, and what one request may cost."""

    bundle: Path | None = None
    """Folder of a trained network, or of networks and a head: RUN/bundle."""
    host: str = "127.0.0.1"
    """Address to listen on; with another than this machine's own, others can send requests too."""
    port: int = 8000
    """Port to listen on; 0 for any that is free."""
    top: int = 5
    """Number of classes in an answer."""
    most_bytes: int = 10_000_000
    """Largest body of a request: a photo, or several of one form or JSON."""
    most_pixels: int = 50_000_000
    """Largest photo; its header is read before memory is taken for it."""
    seconds: float = 30.0
    """Longest time for a request, from its head to its answer."""
    smoke: bool = False
    """Serve a tiny network, send one request and end."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, port=0, top=1, most_bytes=1, most_pixels=1, seconds=0.1)
        if self.port > 65535:
            raise SightkitError("The last port is 65535.", "Give --port 8000.", port=self.port)
        if self.bundle is not None:
            training.check_bundle(self.bundle)
        elif not self.smoke:
            raise SightkitError("Name the bundle to serve.", "Give --bundle RUN/bundle.")


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
