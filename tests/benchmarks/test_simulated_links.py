"""Simulated links: packets wait, get lost or come out, and a ring's seconds by the formula."""

from __future__ import annotations

import importlib.util
import select
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "simulated_links.py"


@pytest.fixture(scope="module")
def links():
    spec = importlib.util.spec_from_file_location("simulated_links", FILE)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "simulated_links", module)
        spec.loader.exec_module(module)
        yield module


def packet_to(place: int) -> bytes:
    """A packet of version 4, of 1,000 bytes, with the place in its address."""
    return bytes([0x45, *[0] * 18, place + 1]).ljust(1000, b"x")


def received(links, link, packets) -> tuple[list[bytes], float]:
    """Send packets from the first of two ends; return what the second gets, and the seconds."""
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2)]
    inner = [pair[0] for pair in pairs]
    for each in inner:
        each.setblocking(False)
    ended, found = threading.Event(), []
    devices = [each.fileno() for each in inner]
    relay = threading.Thread(target=links._relay, args=(devices, link, ended))
    relay.start()
    start = time.perf_counter()
    for packet in packets:
        pairs[0][1].send(packet)
    while select.select([pairs[1][1]], [], [], 0.5)[0]:
        found.append(pairs[1][1].recv(2000))
        last = time.perf_counter()
        if len(found) == len(packets):
            break
    ended.set()
    relay.join()
    for pair in pairs:
        for each in pair:
            each.close()
    return found, (last - start) if found else 0.0


def test_packets_come_out_in_order_after_their_delay(links):
    sent = [packet_to(1) + bytes([number]) for number in range(5)]
    found, seconds = received(links, links.Link(8e6, 0.02), sent)
    assert found == sent
    assert seconds >= 0.02 + 5 * 1e-3  # 1,000 bytes at 8 Mbit/s are a millisecond


def test_lost_packets_and_those_of_nobody_do_not_come_out(links):
    assert received(links, links.Link(1e9, 1e-3, 1.0), [packet_to(1)])[0] == []
    assert received(links, links.FREE, [packet_to(7), packet_to(1)])[0] == [packet_to(1)]


def test_a_full_queue_loses_what_would_wait_too_long(links):
    found, _ = received(links, links.Link(8e4), [packet_to(1)] * 8)  # 0.1 s each, 0.2 s at most
    assert 1 <= len(found) <= 2


@pytest.mark.parametrize(
    ("link", "expected"),
    [((1e8,), 2 * 0.4), ((1e8, 0.01), 2 * (0.02 + 0.4)), ((1e8, 0.01, 0.01), None)],
)
def test_seconds_of_a_ring(links, link, expected):
    found = links.Link(*link).seconds(2, 10_000_000)
    assert found == pytest.approx(expected) if expected else found > 2 * 0.42
