from __future__ import annotations

import contextlib
import os
import sys
import threading
import time

import cv2
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io.arguments import whole_number
from sightkit.io.threads import AHEAD, in_threads, progress


def test_results_come_in_the_order_of_the_tasks():
    def work(task):
        time.sleep(0.002 * (task % 3))
        return task * task

    assert list(in_threads(work, range(50))) == [task * task for task in range(50)]


def test_opencv_has_one_thread_within_and_what_it_had_afterwards():
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        assert list(in_threads(lambda task: cv2.getNumThreads(), range(3))) == [1, 1, 1]
        assert cv2.getNumThreads() == 2
        with pytest.raises(ZeroDivisionError):
            list(in_threads(lambda task: 1 // task, range(3)))
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)


def test_an_error_stops_what_has_not_begun():
    begun = []

    def work(task):
        begun.append(task)
        if task == 3:
            raise SightkitError("The file must be an image.")
        time.sleep(0.001)

    with pytest.raises(SightkitError):
        list(in_threads(work, range(1000)))
    assert len(begun) <= 3 + 3 * AHEAD * len(os.sched_getaffinity(0))
    assert not [each for each in threading.enumerate() if each.name.startswith("sightkit-io")]


def test_tasks_are_taken_only_as_workers_become_free():
    taken = []
    results = in_threads(lambda task: task, (taken.append(task) or task for task in range(1000)))
    with contextlib.closing(results):
        next(results)
        assert len(taken) <= AHEAD * 64  # however many cores


@pytest.mark.parametrize("value", (0, -1, 1.0, True, "1", None, np.float64(2)))
def test_what_is_no_whole_number_is_refused_by_name(value):
    with pytest.raises(SightkitError, match="workers must be a whole number of at least 1"):
        whole_number("workers", value, at_least=1)


@pytest.mark.parametrize("value", (7, np.int64(7), np.uint8(7), np.array(7)))
def test_what_counts_as_one_becomes_an_int(value):
    assert type(whole_number("workers", value, at_least=1)) is int


@pytest.mark.parametrize("terminal", (False, True))
def test_a_bar_is_drawn_only_on_a_terminal(terminal, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with progress(10, "Reading [bold]photos") as advance:
        advance(10)
    told = capsys.readouterr()
    assert told.out == ""
    assert ("Reading [bold]photos" in told.err) == terminal
