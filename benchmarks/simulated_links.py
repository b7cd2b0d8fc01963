"""Links between network namespaces, with a rate, a delay and a loss, relayed by this process.

The kernel's own disciplines (``tc``'s netem) are not in every kernel; a TUN device is. Each
namespace has one, whose packets come out here: they wait for those before them at the link's rate,
then for its delay, or are lost. Python passes some 50,000 packets a second on, 600 Mbit/s.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import itertools
import math
import os
import random
import select
import struct
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sightkit._errors import SightkitError

SEGMENT = 1_448
"""Bytes of a packet that TCP gives to what is sent."""
QUEUE = 0.2
"""Seconds that packets wait for those before them; those that would wait longer are lost."""
TUNSETIFF, PLAIN_TUN = 0x400454CA, 0x1001
NETWORK = "10.77.0."


@dataclass(frozen=True)
class Link:
    """What a process sends through: bits a second, seconds one way, share of packets lost."""

    rate: float = math.inf
    delay: float = 0.0
    loss: float = 0.0

    def __str__(self) -> str:
        """Return the link in words."""
        if self.rate == math.inf:
            return "a link that nothing slows"
        slowed = f", {self.delay * 1e3:g} ms, {self.loss:.2%} lost" if self.delay else ""
        return f"{self.rate / 1e6:g} Mbit/s{slowed}"

    @property
    def usable(self) -> float:
        """Bits a second that one TCP connection gets."""
        if not self.loss:
            return self.rate
        return min(self.rate, 8 * SEGMENT * 1.22 / (2 * self.delay * math.sqrt(self.loss)))

    def seconds(self, machines: int, size: int) -> float:
        """Return what a ring takes to sum vectors of ``size`` bytes, by this link alone."""
        steps = 2 * (machines - 1)
        return steps * (2 * self.delay + 8 * size / machines / self.usable)


FREE = Link()


@contextlib.contextmanager
def namespaces(machines: int, link: Link) -> Iterator[list[tuple[str, str]]]:
    """Yield names and addresses of network namespaces that reach each other over such links."""
    if os.geteuid():
        raise SightkitError("Network namespaces are made by root.", "Run it with sudo.")
    names = [f"sk{os.getpid() % 10_000}n{number}" for number in range(machines)]
    devices, ended = [], threading.Event()
    relay = threading.Thread(target=_relay, args=(devices, link, ended))
    try:
        for number, name in enumerate(names, start=1):
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), PLAIN_TUN))
            devices.append(device)
            run("ip", "netns", "add", name)
            run("ip", "link", "set", name, "netns", name)
            run("ip", "-n", name, "address", "add", f"{NETWORK}{number}/24", "dev", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
            run("ip", "-n", name, "link", "set", name, "up", "txqueuelen", "10000")
        relay.start()
        yield [(name, f"{NETWORK}{number}") for number, name in enumerate(names, start=1)]
    finally:
        ended.set()
        if relay.ident:
            relay.join()
        for device in devices:
            os.close(device)
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def run(*words: str) -> None:
    """Run a command of iproute2."""
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SightkitError(f"{' '.join(words)}: {done.stderr.rstrip()}")


def _relay(devices: Sequence[int], link: Link, ended: threading.Event) -> None:
    """Hand packets on, each to the device of its address, until the end."""
    on_their_way: list[tuple[float, int, int, bytes]] = []
    numbers, lost = itertools.count(), random.Random(0)
    idle_from = dict.fromkeys(devices, 0.0)
    while not ended.is_set():
        wait = on_their_way[0][0] - time.perf_counter() if on_their_way else 0.1
        ready, *_ = select.select(devices, [], [], max(0.0, wait))
        now = time.perf_counter()
        for device in ready:
            for packet in _packets(device):
                sent = max(idle_from[device], now) + 8 * len(packet) / link.rate
                place = packet[19] - 1
                version_4 = packet[0] >> 4 == 4 and place < len(devices)
                if version_4 and sent - now <= QUEUE:
                    idle_from[device] = sent
                    if lost.random() >= link.loss:
                        way = sent + link.delay, next(numbers), devices[place], packet
                        heapq.heappush(on_their_way, way)
        while on_their_way and on_their_way[0][0] <= now:
            *_, device, packet = heapq.heappop(on_their_way)
            with contextlib.suppress(BlockingIOError):  # the receiver's queue is full
                os.write(device, packet)


def _packets(device: int, most: int = 64) -> Iterator[bytes]:
    with contextlib.suppress(BlockingIOError):
        for _ in range(most):
            yield os.read(device, 65_536)
