"""A host on this machine that gives another drawn captcha at each request: for trials."""

from __future__ import annotations

import itertools
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from sightkit.apps.captcha.drawn_captchas import draw_captcha, random_texts
from sightkit.io.images import encode_png


def serve_drawn(seed: int = 0) -> ThreadingHTTPServer:
    """Return a server at 127.0.0.1, bound but not running yet; ``/captcha`` is a PNG."""
    rng, texts = np.random.default_rng(seed), itertools.cycle(random_texts(1000, seed=seed))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/captcha"
            body = encode_png(draw_captcha(next(texts), rng)) if found else b""
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)
