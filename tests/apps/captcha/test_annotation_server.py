"""The page answers this machine's browser, and nobody else."""

from __future__ import annotations

import errno
import http.client
import json
import threading

import pytest

from sightkit import io
from sightkit._errors import SightkitError
from sightkit.apps import captcha


@pytest.fixture
def served(open_annotation):
    annotation = open_annotation()
    with captcha.serve(annotation) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield annotation, server.server_port
        server.shutdown()
        thread.join()


def request(port, path, method="GET", body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, named)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


def press(port, key, name="00000.png", **headers):
    body = json.dumps({"captcha": name, "key": key})
    given = {"Content_Type": "application/json", **headers}
    return request(port, "/key", "POST", body, **given)[:2]


def test_the_page_its_pictures_and_a_key(served, captchas):
    annotation, port = served
    status, page, headers = request(port, "/")
    assert status == 200 and b"<title>Annotate captchas" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    _, body, _ = request(port, "/state")
    assert json.loads(body)["captcha"]["name"] == "00000.png"
    status, body, _ = request(port, "/captcha/00000.png")
    assert (io.decode_image(body) == io.read_image(captchas / "00000.png")).all()
    status, body, _ = request(port, "/character/00000.png/1")
    assert (io.decode_image(body)[..., :1] == annotation.cut["00000.png"][1]).all()
    status, body = press(port, "2", Origin=f"http://127.0.0.1:{port}")
    assert status == 200 and json.loads(body)["captcha"]["typed"] == ["2", "", "", ""]


@pytest.mark.slow
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},  # a name that points to 127.0.0.1: DNS rebinding
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1.evil.example:{port}"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:1"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
def test_other_origins_and_other_hosts_are_refused(served, headers):
    annotation, port = served
    given = {name: value.format(port=port) for name, value in headers.items()}
    for path in ("/", "/state", "/captcha/00000.png"):
        status, body, _ = request(port, path, **given)
        assert status == 403 and b"typed" not in body
    assert press(port, "2", **given)[0] == 403
    assert annotation.state()["captcha"]["typed"] == [""] * 4


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "/captcha/../labels/annotation.json",
        "/captcha/..%2Flabels%2Fannotation.json",
        "/captcha/%2Fetc%2Fpasswd",
        "/captcha//etc/passwd",
        "/../../../etc/passwd",
        "/annotation.html",
        "/captcha/",
        "/captcha/nothing.png",
        "/character/00000.png/4",
        "/character/00000.png/-1",
        "/character/00000.png/x",
        "/character/nothing.png/0",
        "/state/x",
        "//evil.example/",
    ],
)
def test_paths_outside_of_the_folder_are_refused(served, path):
    status, body, _ = request(served[1], path)
    assert status == 404 or (path.startswith("//") and b"Annotate" in body)
    assert b"root:" not in body and b"sightkit-annotation" not in body


def test_what_is_no_key_is_refused(served):
    annotation, port = served
    assert press(port, "0")[0] == 400
    assert press(port, "Delete")[0] == 400
    assert (
        press(port, "2", Content_Type="text/plain")[0] == 404
    )  # what a form of another page sends
    kind = {"Content_Type": "application/json"}
    for body in ("", "[]", "{}", "{", '"x"', "[" * 4000, '{"captcha": "00000.png"}'):
        assert request(port, "/key", "POST", body, **kind)[0] == 400, body
    assert request(port, "/key", "POST", "x" * 5000, **kind)[0] == 413
    assert request(port, "/state", "POST", "{}", **kind)[0] == 404
    assert request(port, "/key", "PUT", "{}", **kind)[0] == 501
    assert annotation.state()["captcha"]["typed"] == [""] * 4


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "example.org", "", "::", "8.8.8.8"])
def test_an_address_that_others_reach_is_refused(open_annotation, host):
    with pytest.raises(SightkitError, match="this machine alone"):
        captcha.serve(open_annotation(), host)


def test_a_port_that_is_taken_is_an_error(served, open_annotation):
    with pytest.raises(SightkitError, match="free port"):
        captcha.serve(open_annotation(), port=served[1])
    with pytest.raises(SightkitError, match="65535"):
        captcha.serve(open_annotation(), port=70_000)


def test_a_key_that_cannot_be_saved_is_told_and_saved_with_the_next(served, monkeypatch):
    annotation, port = served

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(annotation._files.__class__, "save", full)
        status, told = press(port, "2")
    assert status == 500 and b"No space left" in told
    assert press(port, "3")[0] == 200
    stored = json.loads((annotation.folder / "annotation.json").read_text())
    assert stored["captchas"]["00000.png"]["typed"][:2] == ["2", "3"]
