"""Start the processes of one training on this machine, and end all where one is lost."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import IO, Any

from sightkit._scripts import warn
from sightkit.training.cluster import LOST, TF_CONFIG, Cluster

SECONDS_TO_END = 30.0
"""That the others have, once one has ended, before they are killed."""
LINES = 12
"""Of a process's last words that are shown."""


def run(command: Sequence[str], processes: int, *, restarts: int = 0) -> int:
    """Run a command in several processes that train together; return the exit code for all.

    Args:
        command: words; with ``--resume`` at its end it goes on.
        processes: how many, at least 2; each has its part of the processor's cores.
        restarts: how often a training that has lost a process is resumed.
    """
    code = _run_once(command, processes)
    again = [*command, *["--resume"] * ("--resume" not in command)]
    for left in range(restarts, 0, -1):
        if code != LOST:
            break
        warn(f"A process was lost; the training is resumed ({left} more times at most).")
        code = _run_once(again, processes)
    return code


def _run_once(words: Sequence[str], processes: int) -> int:
    addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(processes))
    cores = sorted(os.sched_getaffinity(0))
    started: list[subprocess.Popen[bytes]] = []
    with contextlib.ExitStack() as stack:
        said: list[IO[Any]] = [
            stack.enter_context(tempfile.TemporaryFile()) for _ in range(processes)
        ]
        for rank in range(processes):
            own = cores[rank * len(cores) // processes : (rank + 1) * len(cores) // processes]
            environ = {**os.environ, TF_CONFIG: Cluster(addresses, rank).tf_config}
            environ["TF_NUM_INTRAOP_THREADS"] = str(max(1, len(own)))
            output = said[rank] if rank else None  # the first speaks for all
            one = subprocess.Popen(words, env=environ, stdout=output, stderr=output)
            with contextlib.suppress(OSError):
                os.sched_setaffinity(one.pid, own or cores)
            started.append(one)
        with _forwarding(started):
            codes = _wait(started)
        first = _worst(codes)
        said[first].seek(0)
        for line in said[first].read().decode(errors="replace").splitlines()[-LINES:]:
            print(line, file=sys.stderr)
    killed = [rank for rank, code in enumerate(codes) if code < 0]
    if killed and codes[killed[0]] == -signal.SIGKILL:
        warn(f"Process {killed[0]} of {processes} was killed.")
        return LOST
    return codes[first] if codes[first] >= 0 else 128 - codes[first]


def _wait(started: Sequence[subprocess.Popen[bytes]]) -> list[int]:
    """Wait for all; kill those that go on long after one has failed."""
    deadline = None
    while any(each.poll() is None for each in started):
        time.sleep(0.1)
        failed = any(each.returncode for each in started if each.returncode is not None)
        if failed and deadline is None:
            deadline = time.monotonic() + SECONDS_TO_END
        if deadline and time.monotonic() > deadline:
            for each in started:
                each.kill()
    return [int(each.returncode) for each in started]


def _worst(codes: Sequence[int]) -> int:
    """Return whose exit code counts: of the first that failed by itself, else of the first."""
    by_itself = [rank for rank, code in enumerate(codes) if code not in (0, LOST) and code >= 0]
    lost = [rank for rank, code in enumerate(codes) if code == LOST]
    return [*by_itself, *lost, 0][0]


@contextlib.contextmanager
def _forwarding(started: Sequence[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Hand signals on: each process saves and ends."""

    def forward(number: int, frame: FrameType | None) -> None:
        for each in started:
            each.send_signal(number)

    before = {each: signal.signal(each, forward) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that nobody listens to."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
