from __future__ import annotations

import threading

import pytest

from sightkit._errors import SightkitError
from sightkit.callbacks import drawing
from sightkit.callbacks.drawing import Drawing


class Clock:
    """Stands in for ``time``: wall clock and the work of the drawing thread, in seconds."""

    now, work = 1000.0, 0.0

    def monotonic(self):
        return self.now

    def thread_time(self):
        return self.work


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(drawing, "time", clock)
    return clock


def test_drawings_take_a_hundredth_of_the_time(clock):
    pictures = Drawing()
    drawn = []

    def draw():
        drawn.append(clock.now)
        clock.work += 0.5

    for second in range(200):
        clock.now = 1000.0 + second
        pictures.offer(draw)
        pictures.wait()
    assert drawn == [1000.0, 1050.0, 1100.0, 1150.0]


def test_offers_during_a_drawing_are_skipped_but_the_last(clock):
    pictures, go, drawn = Drawing(), threading.Event(), []
    assert pictures.offer(lambda: (go.wait(10), drawn.append("first")))
    clock.now += 1000
    assert not pictures.offer(lambda: drawn.append("second"))
    go.set()
    pictures.finish(lambda: drawn.append("last"))
    assert drawn == ["first", "last"]


def test_two_never_draw_at_once():
    inside, together = [], []

    def draw():
        inside.append(1)
        together.append(len(inside))
        threading.Event().wait(0.02)
        inside.pop()

    pictures = [Drawing() for _ in range(4)]
    for each in pictures:
        each.offer(draw)
    for each in pictures:
        each.finish(draw)
    assert together == [1] * 8


def test_a_picture_that_cannot_be_written_is_reported_once(capfd):
    def full():
        raise SightkitError("curves.png could not be written.")

    pictures = Drawing()
    assert pictures.offer(full)
    pictures.wait()
    assert capfd.readouterr().err == ""  # no traceback of a thread
    with pytest.raises(SightkitError, match=r"curves\.png"):
        pictures.finish(full)
