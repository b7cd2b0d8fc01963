from __future__ import annotations

import threading

import pytest

from sightkit._errors import SightkitError
from sightkit.callbacks import drawing
from sightkit.callbacks.drawing import Drawing


class Clock:
    """Stands in for ``time``."""

    now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(drawing, "time", clock)
    return clock


def test_each_epoch_is_drawn_unless_it_is_under_a_second(clock):
    for epoch, expected in ((7.0, 10), (1.0, 10), (0.25, 3)):
        pictures, drawn = Drawing(), []
        for _ in range(10):
            clock.now += epoch
            pictures.offer(lambda drawn=drawn: drawn.append(clock.now))
            pictures.wait()
        assert len(drawn) == expected


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
