"""One endpoint: photos in, classes out; what is bad is refused, and the server goes on."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("starlette", reason="starlette is not installed (extra: serve)")

from sightkit import io
from sightkit._errors import SightkitError
from sightkit.apps import deploy
from sightkit.apps.deploy import serve_app, serve_protocol, serve_queue, serve_run

from .stub_classifier import NAMES, Client, Means, jpeg, photo, png

STUB = Path(__file__).with_name("stub_classifier.py")
LIMITS = {"most_bytes": 20_000, "most_pixels": 10_000}


@contextlib.contextmanager
def served(stub, **flags):
    with deploy.serving(stub, deploy.ServeFlags(port=0, smoke=True, **flags)) as server:
        yield Client(server.port)


@pytest.fixture(scope="module")
def stub():
    return Means()


@pytest.fixture(scope="module")
def running(stub):
    with served(stub, **LIMITS) as client:
        yield client


@pytest.fixture
def client(running):
    """A server that answers a good photo after whatever the test has sent."""
    yield running
    assert running.predict(png(0)) == (200, answer_to(png(0)))
    assert running.figure("sightkit_requests_in_progress") == 0


def answer_to(data: bytes):
    bundle = Means()
    (found,) = bundle.top(bundle.predict([io.decode_image(data)]), 5)
    return {"classes": [{"label": name, "probability": p} for name, p in found.items()]}


def form(*files: bytes, name="photo.jpg"):
    """A form as curl sends it; its content type and its body."""
    parts = [
        f'--xyz\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: image/jpeg\r\n\r\n".encode()
        + file
        + b"\r\n"
        for file in files
    ]
    return "multipart/form-data; boundary=xyz", b"".join(parts) + b"--xyz--\r\n"


def as_json(value) -> tuple[str, bytes]:
    return "application/json", json.dumps(value).encode()


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header says that it is large."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("kind", ("image/png", "image/*", "application/octet-stream", "IMAGE/JPEG"))
def test_a_photo_is_answered_whatever_image_it_is_called(kind, client):
    for data in (png(1), jpeg(2)):
        assert client.predict(data, kind) == (200, answer_to(data))


def test_a_form_and_json_are_answered(client):
    kind, body = form(jpeg(1))
    assert client.predict(body, kind) == (200, answer_to(jpeg(1)))
    kind, body = form(jpeg(1), png(2))
    assert client.predict(body, kind) == (200, {"answers": [*map(answer_to, (jpeg(1), png(2)))]})
    kind, body = as_json({"image": text(png(3))})
    assert client.predict(body, kind) == (200, answer_to(png(3)))
    kind, body = as_json({"images": [text(png(3))]})
    assert client.predict(body, kind) == (200, {"answers": [answer_to(png(3))]})
    kind, body = as_json({"image": base64.encodebytes(png(3)).decode()})  # in lines
    assert client.predict(body, kind) == (200, answer_to(png(3)))


def test_of_several_photos_a_bad_one_costs_no_other(client):
    kind, body = form(png(1), b"no image", png(2))
    status, found = client.predict(body, kind)
    first, bad, last = found["answers"]
    assert (status, first, last) == (200, answer_to(png(1)), answer_to(png(2)))
    assert "must be an image" in bad["error"]
    kind, body = as_json({"images": [text(png(1)), "%", text(b"no image"), 3, text(png(2))]})
    status, found = client.predict(body, kind)
    first, *bad, last = found["answers"]
    assert (status, first, last) == (200, answer_to(png(1)), answer_to(png(2)))
    assert bad[::2] == [{"error": f"Image {at} is not base64."} for at in (2, 4)]
    assert "must be an image" in bad[1]["error"]


def test_the_name_of_a_file_is_not_read(client, tmp_path):
    secret = tmp_path / "secret.png"
    io.write_png(secret, photo(5))
    for name in (str(secret), "../../../etc/passwd", "%2e%2e/x", "a\\b", ""):
        kind, body = form(jpeg(1), name=name)
        assert client.predict(body, kind) == (200, answer_to(jpeg(1)))
        kind, body = form(b"no image", name=name)
        status, found = client.predict(body, kind)
        assert status == 422 and "passwd" not in found["error"] and "secret" not in found["error"]


BAD = {
    "a picture bomb": ("image/png", bomb(50_000, 50_000), 413, "10,000 pixels"),
    "a photo a little too large": ("image/png", bomb(101, 100), 413, "101 x 100"),
    "no image": ("image/png", b"hello", 422, "must be an image"),
    "nothing": ("image/png", b"", 422, "must be an image"),
    "a photo that is cut off": ("image/jpeg", jpeg(1)[:-200], 422, "must be an image"),
    "a body too large": ("image/png", bytes(20_001), 413, "20,000 bytes"),
    "a body of chunks too large": ("image/png", [bytes(15_000)] * 2, 413, "20,000 bytes"),
    "a form too large": (*form(bytes(30_000)), 413, "20,000 bytes"),
    "another type": ("text/plain", png(1), 415, "Received: text/plain."),
    "no type": (None, png(1), 415, "Received: no type."),
    "a form of a page": ("application/x-www-form-urlencoded", b"a=b", 415, "image/*"),
    "a form that is none": ("multipart/form-data; boundary=x", b"--x\r\nabc", 400, "no end"),
    "a form without an end": (form()[0], form(png(1), png(2))[1][:-40], 400, "no end"),
    "a form without a boundary": ("multipart/form-data", b"abc", 400, "boundary"),
    "a form without a step": ("multipart/form-data", b"abc", 400, "-F file=@photo.jpg"),
    "a form without a file": (form()[0], b"--xyz--\r\n", 400, "no file"),
    "a form of many files": (*form(*[b"x"] * 33), 400, "32"),
    "no JSON": ("application/json", b"{", 400, "not JSON"),
    "JSON that is no object": (*as_json([1]), 400, 'no "image"'),
    "JSON of a number": (*as_json({"image": 3}), 400, '"image" is not base64'),
    "JSON without base64": (*as_json({"image": "ä"}), 400, '"image" is not base64'),
    "JSON of a path": (*as_json({"image": "/etc/passwd"}), 400, '"image" is not base64'),
    "JSON without a photo": (*as_json({}), 400, 'no "image"'),
    "JSON of both": (*as_json({"image": "", "images": []}), 400, "one of them"),
    "JSON of no photos": (*as_json({"images": []}), 400, "a photo or more"),
    "JSON in great depth": ("application/json", b"[" * 19_000, 400, "not JSON"),
    "JSON of many photos": (*as_json({"images": [""] * 33}), 413, "32 photos"),
    "JSON of null": (*as_json({"images": None}), 400, "must be a list"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_in_a_sentence(name, client):
    kind, body, expected, reason = BAD[name]
    status, found = client.predict(iter(body) if isinstance(body, list) else body, kind)
    assert (status, [*found]) == (expected, ["error"])
    assert reason in found["error"]
    assert not any(word in found["error"] for word in ("Traceback", ".py", "/work", "/tmp", "path"))


def test_an_error_of_ours_names_nothing_and_costs_no_other(client, caplog):
    with ThreadPoolExecutor(8) as pool:
        found = [*pool.map(client.predict, [png(1), png(2, side=13), png(3)] * 4)]
    for status, answer in found[1::3]:
        assert (status, answer) == (500, {"error": "The photo could not be answered."})
    assert found[0::3] == [(200, answer_to(png(1)))] * 4
    assert found[2::3] == [(200, answer_to(png(3)))] * 4
    assert "a photo that no chain can take" in caplog.text  # for whoever runs it


def test_other_paths_and_methods_are_refused(client):
    for method, path, expected in (
        ("GET", "/nothing", 404),
        ("GET", "/predict", 405),
        ("DELETE", "/", 405),
        ("GET", "/../etc/passwd", 404),
        ("POST", "/health", 405),
    ):
        status, headers, found = client.request(method, path)
        assert (status, [*found]) == (expected, ["error"])
        assert "Send photos to /predict by POST" in found["error"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_refusals_of_predict_are_counted(client):
    name = 'sightkit_requests_total{status="%s"}'
    before = [client.figure(name % status) for status in (403, 405)]
    client.request("GET", "/predict")
    client.request("DELETE", "/")
    client.predict(png(1), Origin="http://evil.example")
    assert [client.figure(name % status) for status in (403, 405)] == [n + 1 for n in before]


def test_the_page_health_and_metrics_are_there(client):
    status, headers, page = client.request("GET", "/")
    assert status == 200 and "Drop photos here" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    status, _, found = client.request("GET", "/health")
    assert status == 200
    facts = {"status": "ready", "canary": "checked", "classes": 3, "most_bytes": 20_000}
    assert found == facts
    name = 'sightkit_requests_total{status="%s"}'
    before = client.figure(name % 200), client.figure(name % 422)
    photos = client.figure("sightkit_photos_total")
    client.predict(png(1))
    kind, body = form(png(1), png(2), b"none")
    client.predict(body, kind)
    client.predict(b"none")
    assert (client.figure(name % 200), client.figure(name % 422)) == (before[0] + 2, before[1] + 1)
    assert client.figure("sightkit_photos_total") == photos + 3
    total = client.figure("sightkit_request_seconds_count")
    assert client.figure('sightkit_request_seconds_bucket{le="+Inf"}') == total
    assert client.figure('sightkit_request_seconds_bucket{le="30.0"}') == total


@pytest.mark.parametrize(
    ("headers", "allowed"),
    (
        ({"Host": "evil.example"}, False),
        ({"Host": "127.0.0.1.evil.example:{port}"}, False),
        ({"Host": "localhost:{port}"}, True),
        ({"Host": "LOCALHOST:{port}"}, True),
        ({"Host": "localhost:1"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://["}, False),
        ({"Origin": "http://127.0.0.1:{port}"}, True),
        ({"Sec_Fetch_Site": "cross-site"}, False),
        ({"Sec_Fetch_Site": "same-site"}, False),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "https://photos.example"}, True),
        ({"Sec_Fetch_Site": "none"}, True),
    ),
)
def test_other_names_and_other_pages_are_refused(headers, allowed, client):
    given = {name: value.format(port=client.port) for name, value in headers.items()}
    status, found = client.predict(png(1), **given)
    assert status == (200 if allowed else 403), found


def test_by_another_host_any_name_may_ask(capsys):
    with served(Means(), host="0.0.0.0") as open_to_all:
        assert "whoever reaches this machine" in capsys.readouterr().err
        status, _ = open_to_all.predict(png(1), Host="photos.example")
        assert status == 200
        status, _ = open_to_all.predict(png(1), Host="a.example", Origin="http://b.example")
        assert status == 403


def test_a_request_cut_off_leaves_nothing(client, stub):
    cut = 'sightkit_requests_total{status="499"}'
    before, threads = client.figure(cut), threading.active_count()
    head = f"POST /predict HTTP/1.1\r\nHost: localhost:{client.port}\r\nContent-Length: 9000\r\n"
    for kind, begun in (("image/png", "abc"), (form()[0], "--xyz\r\n"), ("application/json", "{")):
        client.send(f"{head}Content-Type: {kind}\r\n\r\n{begun}").close()
    client.send(head[:40]).close()
    client.send("").close()
    end = time.monotonic() + 10
    while client.figure(cut) < before + 3:
        assert time.monotonic() < end, client.request("GET", "/metrics")[2]
    assert threading.active_count() <= threads + 1  # of the pool that writes large files


def test_no_http_at_all_is_refused(client):
    with client.send("hello\r\n\r\n") as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 400")


def test_a_silent_connection_is_closed(client, monkeypatch):
    monkeypatch.setattr(serve_protocol, "SILENT", 0.2)
    with client.send("") as silent, client.send("POST /predict HT") as slow:
        for _ in range(3):  # a byte now and then does not help
            with contextlib.suppress(OSError):
                slow.sendall(b"T")
            time.sleep(0.1)
        for each in (silent, slow):
            with contextlib.suppress(ConnectionResetError):
                assert each.recv(10) == b""


def test_too_many_connections_are_closed(client, monkeypatch):
    monkeypatch.setattr(serve_protocol, "CONNECTIONS", 3)
    held = [client.send("") for _ in range(3)]
    with client.send("GET /health HTTP/1.1\r\n\r\n") as one_more, contextlib.suppress(OSError):
        assert one_more.recv(10) == b""
    for each in held:
        each.close()
    time.sleep(0.1)


def test_a_body_that_does_not_come_is_not_waited_for():
    with served(Means(), seconds=0.3) as client:
        head = f"POST /predict HTTP/1.1\r\nHost: localhost:{client.port}\r\nContent-Length: 9\r\n"
        with client.send(f"{head}Content-Type: image/png\r\n\r\nabc") as slow:
            assert slow.recv(1000).startswith(b"HTTP/1.1 408")
        assert client.predict(png(1))[0] == 200


def test_an_answer_that_takes_too_long_is_given_up():
    stub = Means()
    with served(stub, seconds=0.3) as client:
        stub.gate.clear()
        sent = len(os.sched_getaffinity(0)) * serve_queue.BATCH + 4
        with ThreadPoolExecutor(sent) as pool:
            found = [*pool.map(client.predict, [png(1)] * sent)]
        assert {status for status, _ in found} == {504}
        stub.gate.set()
        assert client.predict(png(1)) == (200, answer_to(png(1)))
        assert sum(stub.batches) < sent + 1  # nobody waited for the others any more


def test_more_requests_than_may_wait_are_refused(monkeypatch):
    monkeypatch.setattr(serve_app, "REQUESTS", 4)
    stub = Means()
    stub.gate.clear()
    with served(stub) as client, ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(client.predict, png(n)) for n in range(4)]
        while client.figure("sightkit_requests_in_progress") < 4:
            time.sleep(0.01)
        status, headers, found = client.request("POST", "/predict", png(9), "image/png")
        assert (status, headers["Retry-After"]) == (503, "1") and "error" in found
        assert client.request("GET", "/health")[0] == 200
        stub.gate.set()
        assert [each.result()[0] for each in waiting] == [200] * 4
        assert client.predict(png(9)) == (200, answer_to(png(9)))


def test_many_clients_get_their_own_answers(stub, running):
    """Photos are answered several at a time, each as it is alone."""
    stub.batches.clear()
    photos = [(png if n % 2 else jpeg)(n) for n in range(60)]
    stub.gate.clear()
    threading.Timer(0.3, stub.gate.set).start()
    with ThreadPoolExecutor(20) as pool:
        found = [*pool.map(running.predict, photos)]
    assert found == [(200, answer_to(each)) for each in photos]
    assert sum(stub.batches) == 60 and max(stub.batches) > 1
    assert max(stub.batches) <= serve_queue.BATCH


@pytest.mark.slow
def test_the_end_answers_what_is_in_progress():
    environment = {**os.environ, "PYTHONPATH": ""}
    for sent in (signal.SIGTERM, signal.SIGINT):
        program = [sys.executable, str(STUB)]
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=environment) as made:
            client = Client(int(made.stdout.readline()))
            with ThreadPoolExecutor(3) as pool:
                answers = [pool.submit(client.predict, png(n)) for n in range(3)]
                while client.figure("sightkit_requests_in_progress") < 3:
                    time.sleep(0.01)
                made.send_signal(sent)
                time.sleep(0.2)  # a signal that is not handled yet and a further one are one
                made.send_signal(sent)  # by one who has no patience
                assert [each.result()[0] for each in answers] == [200] * 3
            assert (made.wait(30), made.stdout.read()) == (0, "ended\n")


def test_a_port_that_is_taken_is_refused(running):
    with pytest.raises(SightkitError, match=r"free port .*Choose another --port"):
        deploy.listen("127.0.0.1", running.port)
    with pytest.raises(SightkitError, match="free port"):
        deploy.listen("203.0.113.7", 0)


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(SightkitError, match=r'pip install "sightkit\[serve\]"'):
        deploy.listen("127.0.0.1", 0)


def test_flags_are_checked(tmp_path):
    for wrong, reason in (
        ({}, "Give --bundle"),
        ({"bundle": tmp_path}, "bundle is a folder"),
        ({"smoke": True, "port": 65536}, "65535"),
        ({"smoke": True, "top": 0}, "top"),
        ({"smoke": True, "seconds": 0}, "seconds"),
    ):
        with pytest.raises(SightkitError, match=reason):
            deploy.ServeFlags(**wrong)


def test_all_addresses_are_opened_by_one_of_them():
    for host, address in (("0.0.0.0", "http://127.0.0.1:80/"), ("::", "http://[::1]:80/")):
        assert serve_run.Server(host, 80, threading.Event()).address == address
    assert serve_run.Server("10.0.0.7", 80, threading.Event()).address == "http://10.0.0.7:80/"


def test_ipv6_is_served():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("this machine has no ::1")
    flags = deploy.ServeFlags(host="::1", port=0, smoke=True)
    with deploy.serving(Means(), flags) as server:
        assert server.address == f"http://[::1]:{server.port}/"
        assert server.predict(png(1)) == answer_to(png(1))


def test_a_network_answers_as_its_bundle_does(tmp_path):
    import keras

    from sightkit import training, transfer, zoo
    from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, SimplePreprocessor

    keras.utils.set_random_seed(0)
    chain = Pipeline((SimplePreprocessor(16, 16), ImageToArrayPreprocessor()))
    network = zoo.LeNet((16, 16, 3), 3)
    folder = tmp_path / "bundle"
    training.save_bundle(
        folder, network, preprocessing=chain, class_names=NAMES, canary=photo(0, side=40)
    )
    bundle = transfer.load(folder)
    photos = [(png if n % 2 else jpeg)(n, side=20 + n) for n in range(40)]
    expected = bundle.predict([io.decode_image(each) for each in photos])
    with served(bundle) as client, ThreadPoolExecutor(16) as pool:
        found = [*pool.map(client.predict, photos)]
    for (status, answer), row in zip(found, expected, strict=True):
        probabilities = {each["label"]: each["probability"] for each in answer["classes"]}
        assert status == 200
        assert [probabilities[name] for name in NAMES] == pytest.approx(row.tolist(), abs=1e-6)
    assert np.ptp(expected, axis=0).max() > 1e-3  # photos that differ


@pytest.mark.slow
def test_smoke_serves_one_request(script):
    result = script("deploy/serve", "--smoke")
    assert result.code == 0, result.stderr
    assert "one request: {'label'" in result.stdout
