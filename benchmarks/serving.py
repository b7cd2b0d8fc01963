"""Measure ``sightkit serve`` under 16 clients, against ``bundle.predict`` in one process.

    python benchmarks/serving.py [--quick] [--json FILE] [--photos FOLDER]

The same 1,000 JPEG files, 499x374 in the median (MobileNetV2-0.35 at 224x224): as one list of
paths to ``bundle.predict``; and as 1,000 requests of 16 clients, which are threads of another
process on the same cores, each with a connection of its own that it keeps. Turn by turn, medians
of five; all answers are compared. The server is the command itself; its memory is read after each
turn.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import multiprocessing
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import numpy as np

from sightkit import _cli, transfer
from sightkit._errors import SightkitError

SCRIPT = Path(__file__).parents[1] / "scripts" / "deploy" / "serve.py"
CLIENTS = 16
RATIO, MEMORY = 0.7, 1.05
DIFFERENCE = 1e-6
"""Of a probability."""
NETWORK = """
import sys, keras, numpy as np
from sightkit import training, zoo
from sightkit.preprocessing import *
rng = np.random.default_rng(0)
steps = ColourPreprocessor(), AspectAwarePreprocessor(224, 224), ImageToArrayPreprocessor()
keras.utils.set_random_seed(0)
network = zoo.build("mobilenetv2_0.35", input_shape=(224, 224, 3), classes=10)
logits = network.get_layer("logits")
shades = rng.uniform(0, 1, (16, 1, 1, 3)) + rng.uniform(0, 0.3, (16, 224, 224, 3))
features = keras.Model(network.inputs[0], logits.input).predict(shades, verbose=0)
kernel = rng.normal(0, 1 / features.std(axis=0).max(), (features.shape[1], 10))
logits.set_weights([kernel, -features.mean(axis=0) @ kernel])  # answers differ from photo to photo
canary = rng.integers(0, 256, (375, 500, 3), np.uint8)
training.save_bundle(
    sys.argv[1], network, preprocessing=Pipeline(steps), class_names="0123456789", canary=canary
)
"""
Answered = tuple[list[float], list[dict[str, float] | None]]
"""Seconds of each request in their order of ending, and answers in the photos' order."""


@dataclass(frozen=True)
class Config:
    """Measure serving."""

    quick: bool = False
    """A hundred requests and one turn."""
    json: Path | None = None
    """File to write the rows to."""
    photos: Path | None = None
    """Folder of class folders of JPEG files; SIGHTKIT_TEST_DATA/animals by default."""


def main(config: Config) -> list[measure.Row]:
    folder = config.photos or Path(os.environ.get("SIGHTKIT_TEST_DATA", "")) / "animals"
    found = sorted(map(str, folder.glob("*/*.jpg")))
    if not found:
        raise SightkitError("There must be photos.", "Give --photos FOLDER.", photos=folder)
    photos = [*itertools.islice(itertools.cycle(found), 100 if config.quick else 1000)]
    print(f"{len(os.sched_getaffinity(0))} cores; load {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory() as scratch:
        cache = os.environ["XDG_CACHE_HOME"] = f"{scratch}/cache"
        bundle = Path(scratch, "bundle")
        subprocess.run([sys.executable, "-c", NETWORK, str(bundle)], check=True)
        loaded = transfer.load(bundle, images=len(photos), cache=f"{cache}/sightkit/compiled")
        spawned = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, spawned) as clients, _server(bundle) as (process, port):

            def send_all() -> Answered:
                return clients.submit(predict_all, port, photos).result()

            rows = _measured(loaded, photos, send_all, process, 1 if config.quick else 5)
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    measure.report(rows, config.json)
    return rows


@contextlib.contextmanager
def _server(bundle: Path) -> Iterator[tuple[int, int]]:
    """Run the command; yields its process and its port."""
    command = [sys.executable, str(SCRIPT), "--bundle", str(bundle), "--port", "0", "--top", "10"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            yield server.pid, int(re.findall(r":(\d+)/", line)[0])
        finally:
            server.terminate()
    if server.returncode:
        raise SightkitError("The server must end with 0.", code=server.returncode)


def _measured(
    bundle: Any, photos: list[str], send_all: Callable[[], Answered], process: int, rounds: int
) -> list[measure.Row]:
    seconds: list[float] = []
    memory: list[float] = []
    kept: dict[str, Any] = {}

    def over_http() -> None:
        found, kept["answers"] = send_all()
        seconds.extend(found)
        memory.append(_megabytes(process))

    def in_one_process() -> None:
        kept["expected"] = bundle.predict(photos)

    costs = measure.interleaved({"served": over_http, "predict": in_one_process}, rounds=rounds)
    answers = [each for each in kept["answers"] if each is not None]
    lost = len(photos) - len(answers)
    if lost:
        raise SightkitError("No request may be lost.", lost=lost)
    rows = np.array([[each[name] for name in bundle.class_names] for each in answers])
    difference = float(np.abs(rows - kept["expected"]).max())
    spread = float(np.ptp(kept["expected"], axis=0).max())
    if not difference < DIFFERENCE < spread:
        raise SightkitError("Both must answer alike.", difference=difference, spread=spread)
    rate, alone = (len(photos) / costs[name] for name in ("served", "predict"))
    p50, p99 = (1000 * float(np.quantile(seconds, q)) for q in (0.5, 0.99))
    requests = len(photos) * (rounds + 1)
    print(f"{requests:,} requests, {CLIENTS} clients, none lost; answers within {difference:.1g}")
    print(f"{rate:.0f} images/s served, {alone:.0f} by bundle.predict; p50 {p50:.0f} ms")
    print(f"p99 {p99:.0f} ms; memory in MB, turn by turn: {', '.join(f'{m:.0f}' for m in memory)}")
    return [
        measure.at_least(
            f"images/s over HTTP, {CLIENTS} clients",
            "bundle.predict of one list",
            rate / alone,
            RATIO,
            images_per_second=rate,
            baseline_images_per_second=alone,
            p50_milliseconds=p50,
            p99_milliseconds=p99,
            requests=requests,
            lost=lost,
            difference=difference,
        ),
        measure.at_most(
            f"memory after {requests:,} requests",
            f"after {len(photos):,}",
            memory[-1] / memory[0],
            MEMORY,
            megabytes=memory,
        ),
    ]


def predict_all(port: int, photos: list[str]) -> Answered:
    """Send all photos by 16 clients; None for what was not answered with 200."""
    waiting: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
    for each in enumerate(Path(photo).read_bytes() for photo in photos):
        waiting.put(each)
    seconds: list[float] = []
    answers: list[dict[str, float] | None] = [None] * len(photos)

    def send() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            try:
                place, photo = waiting.get_nowait()
            except queue.Empty:
                connection.close()
                return
            start = time.perf_counter()
            connection.request("POST", "/predict", photo, {"Content-Type": "image/jpeg"})
            response = connection.getresponse()
            body = response.read()
            seconds.append(time.perf_counter() - start)
            if response.status == 200:
                classes = json.loads(body)["classes"]
                answers[place] = {each["label"]: each["probability"] for each in classes}

    threads = [threading.Thread(target=send) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seconds, answers


def _megabytes(process: int) -> float:
    """Memory that a process holds."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


if __name__ == "__main__":
    _cli.run(main, Config)
