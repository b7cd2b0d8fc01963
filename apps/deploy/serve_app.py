"""The endpoint as an application of Starlette: which requests are answered, and what is counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sightkit.apps.deploy.serve_metrics import KIND, Metrics
from sightkit.apps.deploy.serve_queue import Answer, PhotoQueue, RefusedError
from sightkit.apps.deploy.serve_request import Sent, read_photos

PAGE = Path(__file__).with_name("serve.html")
REQUESTS = 64
"""Of /predict at once; the body of each is in memory."""
PATHS = "Send photos to /predict by POST; read /, /health and /metrics by GET."
STEPS = {400: "With curl: -F file=@photo.jpg", 404: PATHS, 405: PATHS}
"""What helps where Starlette refuses: a form that is none, a path, a method."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src blob:; connect-src 'self'; style-src 'unsafe-inline'; "
        "script-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Endpoint:
    """The answers to all paths.

    Args:
        photos: that wait.
        facts: JSON of the bundle, for /health.
        most_bytes: of a body.
        seconds: that a request may take; its body must be there by then, and its answer.
    """

    def __init__(
        self, photos: PhotoQueue, facts: dict[str, Any], *, most_bytes: int, seconds: float
    ) -> None:
        self._photos, self._most_bytes, self._seconds = photos, most_bytes, seconds
        self._health = {"status": "ready", "canary": "checked", **facts, "most_bytes": most_bytes}
        self._page = PAGE.read_text(encoding="utf-8")
        self._metrics = Metrics()

    def app(self, hosts: Collection[str] | None) -> ASGIApp:
        """Return the application.

        Args:
            hosts: names that requests may address it by, each with its port; None for any.
        """
        answers = Starlette(
            routes=[
                Route("/", self._show),
                Route("/health", self._report_health),
                Route("/metrics", self._report_metrics),
                Route("/predict", self._predict, methods=["POST"]),
            ],
            exception_handlers={
                HTTPException: _http_refusal,
                Exception: lambda _, error: _refusal(500, "The photo could not be answered."),
            },
        )
        return Door(answers, hosts, self._metrics)  # outside even of what answers to faults

    async def _show(self, request: Request) -> Response:
        return HTMLResponse(self._page)

    async def _report_health(self, request: Request) -> Response:
        return JSONResponse(self._health)

    async def _report_metrics(self, request: Request) -> Response:
        return PlainTextResponse(self._metrics.text(len(self._photos)), media_type=KIND)

    async def _predict(self, request: Request) -> Response:
        start, metrics = time.perf_counter(), self._metrics
        metrics.in_progress += 1
        status = 500
        try:
            if metrics.in_progress > REQUESTS:
                raise RefusedError(503, "Too many requests are being answered. Ask again soon.")
            answer = await self._answer(request)
            status = 200
            return JSONResponse(answer)
        except RefusedError as error:
            status = error.status
            retry = {"Retry-After": "1"} if status == 503 else None
            return _refusal(status, str(error), retry)
        except HTTPException as error:  # of a form that is none
            status = error.status_code
            raise
        except ClientDisconnect:  # nobody is there to be answered
            status = 499
            return Response(status_code=400)
        finally:
            metrics.in_progress -= 1
            metrics.count(status, time.perf_counter() - start)

    async def _answer(self, request: Request) -> dict[str, Any]:
        expired = RefusedError(408, f"A request must be there within {self._seconds:g} s.")
        try:
            async with asyncio.timeout(self._seconds):
                photos, several = await read_photos(request, self._most_bytes)
                expired = RefusedError(504, f"There was no answer within {self._seconds:g} s.")
                waiting = map(self._answer_to, photos)
                found = await asyncio.gather(*waiting, return_exceptions=True)
        except TimeoutError:
            raise expired from None
        answers = [_answer_of(each, alone=not several) for each in found]
        self._metrics.photos += sum("classes" in answer for answer in answers)
        return {"answers": answers} if several else answers[0]

    async def _answer_to(self, photo: Sent) -> Answer:
        if isinstance(photo, RefusedError):
            raise photo
        return await asyncio.wrap_future(self._photos.submit(photo))


def _answer_of(found: Answer | BaseException, *, alone: bool) -> dict[str, Any]:
    """Return the answer to a photo as JSON; one of several that is refused says so itself."""
    if isinstance(found, RefusedError) and not alone:
        return {"error": str(found)}
    if isinstance(found, BaseException):
        raise found
    return {"classes": [{"label": name, "probability": p} for name, p in found.items()]}


def _http_refusal(_: Request, error: Any) -> Response:
    reason = f"{error.detail.rstrip('.')}. {STEPS.get(error.status_code, '')}".strip()
    return _refusal(error.status_code, reason, error.headers)


def _refusal(status: int, reason: str, headers: Any = None) -> Response:
    return JSONResponse({"error": reason}, status, headers)


class Door:
    """Refuse requests of pages of another origin, or to another name; add headers to every answer.

    A name that an attacker lets point to this machine is another one (DNS rebinding). Requests of
    /predict that come no further, for this or for their method, are counted here.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None, metrics: Metrics) -> None:
        self._app, self._hosts, self._metrics = app, hosts, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
                if scope["path"] == "/predict" and message["status"] in (403, 405):
                    self._metrics.count(message["status"], 0.0)
            await send(message)

        app = self._app if self._is_ours(Headers(scope=scope)) else _FOREIGN
        await app(scope, receive, answer)

    def _is_ours(self, headers: Headers) -> bool:
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._hosts is not None and host.lower() not in self._hosts:
            return False
        if site := headers.get("sec-fetch-site"):  # of a browser, which no page can change
            return site in ("same-origin", "none")
        return origin is None or origin.partition("://")[2] == host


_FOREIGN = _refusal(403, "This server answers its own page, and programs, by its own address.")
