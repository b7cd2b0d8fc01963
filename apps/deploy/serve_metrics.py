"""Counts and seconds of a server, in the text form of Prometheus."""

from __future__ import annotations

from collections import Counter

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds, in seconds."""
KIND = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counts of requests since the start; of one thread.

    Attributes:
        requests: by status, those of /predict.
        photos: photos that were answered.
        in_progress: requests of /predict.
    """

    def __init__(self) -> None:
        self.requests: Counter[int] = Counter()
        self.photos = self.in_progress = 0
        self._seconds = 0.0
        self._buckets = [0] * len(BUCKETS)

    def count(self, status: int, seconds: float) -> None:
        """Count a request that has ended."""
        self.requests[status] += 1
        self._seconds += seconds
        for place, bound in enumerate(BUCKETS):
            self._buckets[place] += seconds <= bound

    def text(self, waiting: int) -> str:
        """Return all figures; ``waiting`` is the length of the queue."""
        total = self.requests.total()
        bounds = [*map(str, BUCKETS), "+Inf"]
        seconds = "sightkit_request_seconds"
        lines = [
            "# TYPE sightkit_requests_total counter",
            *(f'sightkit_requests_total{{status="{s}"}} {n}' for s, n in self.requests.items()),
            "# TYPE sightkit_photos_total counter",
            f"sightkit_photos_total {self.photos}",
            "# TYPE sightkit_requests_in_progress gauge",
            f"sightkit_requests_in_progress {self.in_progress}",
            "# TYPE sightkit_photos_waiting gauge",
            f"sightkit_photos_waiting {waiting}",
            f"# TYPE {seconds} histogram",
            *(
                f'{seconds}_bucket{{le="{bound}"}} {count}'
                for bound, count in zip(bounds, [*self._buckets, total], strict=True)
            ),
            f"{seconds}_sum {self._seconds:.6f}",
            f"{seconds}_count {total}",
        ]
        return "\n".join(lines) + "\n"
