"""A classifier without Keras, and a client of a server; run as a program it serves itself."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading

import cv2
import numpy as np

from sightkit.apps import deploy
from sightkit.io.images import encode_png
from sightkit.training.classifier import Classifier

NAMES = ("red", "green", "blue & ☃")


class Means(Classifier):
    """Answer each photo with the shares of its colours; a closed gate keeps all waiting."""

    class_names, description, folder = NAMES, {}, None
    images_a_batch = 4

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.batches: list[int] = []

    def facts(self) -> dict[str, str]:
        return {}

    def _answer(self, images):
        assert self.gate.wait(60)
        self.batches.append(len(images))
        if any(image.shape[:2] == (13, 13) for image in images):
            raise ValueError("a photo that no chain can take: /secret/path")
        means = np.stack([image.mean(axis=(0, 1)) for image in images]) + 1
        return (means / means.sum(axis=1, keepdims=True)).astype(np.float32)


def photo(number: int, side: int = 20) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (side, side, 3)).astype(np.uint8)


def png(number: int, side: int = 20) -> bytes:
    return encode_png(photo(number, side))


def jpeg(number: int, side: int = 20) -> bytes:
    return cv2.imencode(".jpg", photo(number, side))[1].tobytes()


class Client:
    """Asks a server at a port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def request(self, method, path, body=None, kind=None, **headers):
        """Return status, headers and the body, of JSON its value."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            if kind is not None:
                given["Content-Type"] = kind
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            text = answer.read()
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.status, answer.headers, json.loads(text) if is_json else text.decode()

    def predict(self, body, kind="image/png", **headers):
        status, _, found = self.request("POST", "/predict", body, kind, **headers)
        return status, found

    def send(self, text: str) -> socket.socket:
        """Return a connection on which some bytes were sent."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        connection.sendall(text.encode())
        return connection

    def figure(self, name: str) -> float:
        lines = dict(
            line.rsplit(" ", 1) for line in self.request("GET", "/metrics")[2].splitlines()
        )
        return float(lines.get(name, 0))


if __name__ == "__main__":
    stub = Means()
    stub.gate.clear()
    with deploy.serving(stub, deploy.ServeFlags(port=0, smoke=True)) as server:
        print(server.port, flush=True)
        threading.Timer(0.7, stub.gate.set).start()
        server.wait()
    print("ended", flush=True)
