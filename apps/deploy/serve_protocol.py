"""uvicorn's protocol, with an end for connections that never send a request."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

SILENT = 10.0
"""Seconds in which a connection must have sent the head of a request."""
CONNECTIONS = 512
"""At once; one more is closed, so that files can still be opened."""


class PatientProtocol(H11Protocol):
    """Close a connection whose next request has no head within ten seconds of its first byte.

    uvicorn waits for a first request without end, and for a later one from each byte anew. What an
    answered request still sends (a body that was refused) counts alike.
    """

    _end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            transport.abort()
        self._end = self.loop.call_later(SILENT, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Wait no more where a request has begun; begin to wait where the next one has."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._end is None:
            self._end = self.loop.call_later(SILENT, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None
