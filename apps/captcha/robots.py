"""What a host's robots.txt lets a program fetch, and how fast (RFC 9309)."""

from __future__ import annotations

import urllib.robotparser
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from sightkit._errors import SightkitError

AGENT = "sightkit"
"""The name that robots.txt knows us by."""


def require_allowed(url: str, fetch: Callable[[str], tuple[int, bytes]]) -> float:
    """Raise unless robots.txt allows an address; return the seconds that it asks for in between.

    Args:
        url: to be fetched.
        fetch: address to status and body.

    Raises:
        SightkitError: it is forbidden, or the host cannot answer for it (a status of 5xx, 401, 403
            or 429: then nothing is fetched).
    """
    parts = urlsplit(url)
    address = urlunsplit((parts.scheme, parts.netloc, "/robots.txt", "", ""))
    status, body = fetch(address)
    if status >= 500 or status in (401, 403, 429):
        raise SightkitError(
            "The host must answer for its robots.txt before anything else is fetched.",
            "Ask those who run it.",
            url=address,
            status=status,
        )
    rules = urllib.robotparser.RobotFileParser(address)
    rules.parse(body.decode("utf-8", "replace").splitlines() if status == 200 else [])
    if not rules.can_fetch(AGENT, url):
        raise SightkitError(
            "The host's robots.txt forbids this address to programs, and it is obeyed.",
            "Ask those who run it for pictures.",
            url=url,
            robots=address,
        )
    rate = rules.request_rate(AGENT)
    between = rate.seconds / rate.requests if rate and rate.requests else 0.0
    return max(float(rules.crawl_delay(AGENT) or 0), between)
