"""Work on all cores: threads, because decoding, resizing and hashing release Python's lock."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import cv2

from sightkit import _terminal

Task = TypeVar("Task")
Result = TypeVar("Result")
IMAGES_A_TASK = 8
"""Handing a task to a thread costs about as much as a hundredth of decoding a photo."""
AHEAD = 4
"""Tasks a thread may have waiting: enough to keep it busy, few enough to stop soon."""


def in_threads(
    work: Callable[[Task], Result], tasks: Iterable[Task]
) -> Generator[Result, None, None]:
    """Results of ``work`` in the order of ``tasks``; an error in one stops the rest.

    There are as many threads as this process may use cores.

    While it runs, OpenCV uses one thread a call: threads within threads only get in each other's
    way. Close the iterator if it is not read to its end.

    Args:
        work: what is done to a task; called from several threads.
        tasks: taken as threads become free.
    """
    count = len(os.sched_getaffinity(0))
    before = cv2.getNumThreads()
    pool = ThreadPoolExecutor(count, thread_name_prefix="sightkit-io")
    waiting: deque[Future[Result]] = deque()
    cv2.setNumThreads(1)
    try:
        for task in tasks:
            waiting.append(pool.submit(work, task))
            if len(waiting) >= AHEAD * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(before)


def in_batches(
    work: Callable[[range], Result], rows: range, batch_size: int, rows_a_task: int
) -> Generator[tuple[range, list[Result]], None, None]:
    """Batches of rows, always cut at the same places, with the results of ``work`` on their rows.

    Args:
        work: what is done to a few rows of one batch; called from several threads.
        rows: all of them.
        batch_size: rows a batch; the last one may be short.
        rows_a_task: rows that ``work`` is given at most.
    """
    batches = _cut(rows, batch_size)
    tasks = (task for batch in batches for task in _cut(batch, rows_a_task))
    with contextlib.closing(in_threads(work, tasks)) as results:
        for batch in batches:
            yield batch, [next(results) for _ in _cut(batch, rows_a_task)]


def _cut(rows: range, size: int) -> list[range]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


@contextlib.contextmanager
def progress(
    total: int, description: str, *, done: int = 0, unit: str = ""
) -> Iterator[Callable[[int], Any]]:
    """A bar on stderr, if that is a terminal; call what it gives with the steps that are done.

    In a notebook there is none: what remains of it is an empty box.

    Args:
        total: all steps.
        description: what the bar says.
        done: steps that were done before.
        unit: what a step is; with one, the bar shows how many there are a second.
    """
    if not sys.stderr.isatty() or "ipykernel" in sys.modules:
        yield lambda steps: None
        return
    from rich import console, text
    from rich import progress as bars

    class Speed(bars.ProgressColumn):
        def render(self, task: Any) -> text.Text:
            speed = task.finished_speed or task.speed
            return text.Text(f"{speed:,.0f} {unit}/s" if unit and speed else "")

    named = bars.TextColumn("{task.description}", markup=False)
    columns = (named, bars.BarColumn(), bars.MofNCompleteColumn(), Speed())
    terminal = console.Console(stderr=True)
    columns = (*columns, bars.TimeRemainingColumn())
    with _terminal.drawing(), bars.Progress(*columns, console=terminal, transient=True) as bar:
        task = bar.add_task(description, total=total, completed=done)
        yield lambda steps: bar.advance(task, steps)
