"""The downloader against a host on this machine: slow, honest, and no further than allowed."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

import sightkit
from sightkit import io
from sightkit._errors import SightkitError
from sightkit.apps import captcha
from sightkit.apps.captcha import download
from sightkit.io.images import encode_png


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(download, "time", clock)
    return clock


class Host:
    """Answers ``/captcha`` and ``/robots.txt`` as it is told, and remembers the requests."""

    def __init__(self) -> None:
        self.robots: tuple[int, bytes] = (404, b"")
        self.answers: dict[int, tuple[int, bytes, dict[str, str]]] = {}
        self.requests: list[tuple[str, str]] = []
        rng, host = np.random.default_rng(0), self
        self.drawn = [encode_png(captcha.draw_captcha(f"{n}", rng)) for n in range(1000, 1012)]

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                place = sum(path == "/captcha" for path, _ in host.requests)
                host.requests.append((self.path, self.headers["User-Agent"]))
                status, body, headers = 404, b"", {}
                if self.path == "/robots.txt":
                    status, body = host.robots
                elif self.path == "/captcha":
                    default = (200, host.drawn[place % len(host.drawn)], {})
                    status, body, headers = host.answers.get(place, default)
                elif self.path == "/moved":
                    status, body = 200, host.drawn[-1]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/captcha"

    @property
    def asked(self) -> int:
        return sum(path != "/robots.txt" for path, _ in self.requests)


@pytest.fixture
def host(clock):
    host = Host()
    thread = threading.Thread(target=host.server.serve_forever, daemon=True)
    thread.start()
    yield host
    host.server.shutdown()
    host.server.server_close()
    thread.join()


def run(host, folder, count=4, interval=5.0):
    return captcha.Downloader(host.url, "me@example.org", interval).run(folder, count)


def test_captchas_are_downloaded_slowly_by_a_name(host, clock, tmp_path):
    found = run(host, tmp_path / "captchas")
    assert found == {"captchas": 4, "downloaded": 4, "failed": 0}
    assert sorted(path.name for path in (tmp_path / "captchas").iterdir()) == [
        f"0000{k}.png" for k in range(4)
    ]
    assert (tmp_path / "captchas/00002.png").read_bytes() == host.drawn[2]
    assert clock.slept == [5.0] * 4  # after robots.txt, and between two
    agents = {agent for _, agent in host.requests}
    assert agents == {f"sightkit/{sightkit.__version__} (captcha study, me@example.org)"}
    assert host.requests[0][0] == "/robots.txt"


def test_the_same_command_goes_on(host, tmp_path):
    run(host, tmp_path, count=2)
    assert run(host, tmp_path, count=5) == {"captchas": 5, "downloaded": 3, "failed": 0}
    asked = len(host.requests)
    assert run(host, tmp_path, count=5)["downloaded"] == 0
    assert len(host.requests) == asked  # nobody is asked where nothing is missing
    (tmp_path / "00001.png").unlink()
    run(host, tmp_path, count=5)
    assert len([*tmp_path.iterdir()]) == 5


@pytest.mark.parametrize(
    "robots",
    [b"User-agent: *\nDisallow: /\n", b"User-agent: sightkit\nDisallow: /captcha\n"],
)
def test_robots_txt_is_obeyed(host, robots, tmp_path):
    host.robots = (200, robots)
    with pytest.raises(SightkitError, match=r"robots\.txt forbids"):
        run(host, tmp_path)
    assert host.asked == 0


@pytest.mark.slow
@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_without_an_answer_for_robots_txt_nothing_is_fetched(host, status, tmp_path):
    host.robots = (status, b"")
    with pytest.raises(SightkitError, match=r"must answer for its robots\.txt"):
        run(host, tmp_path)
    assert host.asked == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("robots", "seconds"),
    [
        (b"User-agent: other\nDisallow: /\n", 5),
        (b"User-agent: *\nAllow: /\nCrawl-delay: 30\n", 30),
        (b"User-agent: *\nAllow: /\nCrawl-delay: 1\n", 5),
        (b"User-agent: *\nRequest-rate: 1/60\nDisallow: /private\n", 60),
    ],
)
def test_the_delay_of_robots_txt_is_kept(host, clock, robots, seconds, tmp_path):
    host.robots = (200, robots)
    assert run(host, tmp_path)["captchas"] == 4
    assert clock.slept == [seconds] * 4


@pytest.mark.slow
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_refused(host, status, tmp_path):
    other = host.url.replace("127.0.0.1", "localhost").replace("/captcha", "/moved")
    host.answers[1] = (status, b"", {"Location": other})
    with pytest.raises(SightkitError, match="sends to another"):
        run(host, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["00000.png"]
    assert "/moved" not in [path for path, _ in host.requests]


@pytest.mark.slow
@pytest.mark.parametrize("place", ["https://127.0.0.1/x", "file:///etc/passwd", "ftp://127.0.0.1/"])
def test_a_redirect_to_another_scheme_is_refused(host, place, tmp_path):
    host.answers[0] = (302, b"", {"Location": place})
    with pytest.raises(SightkitError):
        run(host, tmp_path)
    assert not [*tmp_path.iterdir()]


def test_a_redirect_on_the_host_is_followed(host, tmp_path):
    host.answers[0] = (302, b"", {"Location": "/moved"})
    assert run(host, tmp_path, count=1)["captchas"] == 1
    assert (tmp_path / "00000.png").read_bytes() == host.drawn[-1]


def test_what_is_no_new_captcha_is_counted_and_three_are_enough(host, tmp_path):
    whole = host.drawn[0]
    host.answers = {
        1: (200, whole, {}),  # the same
        2: (200, b"<html>too many requests", {}),
        4: (200, whole[: len(whole) // 2], {}),
        5: (500, b"", {}),
        7: (200, b"\x89PNG\r\n\x1a\n" + bytes(2**20), {}),
        8: (404, b"", {}),
        9: (204, b"", {}),
    }
    with pytest.raises(SightkitError, match="3 requests in a row") as error:
        run(host, tmp_path, count=9)
    assert "captchas=3" in str(error.value)
    assert len([*tmp_path.iterdir()]) == 3
    assert all(len(io.read_image(path)) == 36 for path in tmp_path.iterdir())
    assert host.asked == 10


def test_a_host_that_has_too_much_to_do_is_waited_for(host, clock, tmp_path):
    host.answers[1] = (429, b"", {"Retry-After": "120"})
    assert run(host, tmp_path) == {"captchas": 4, "downloaded": 4, "failed": 1}
    assert clock.slept.count(120) == 1
    host.answers[host.asked] = (503, b"", {"Retry-After": "7200"})
    with pytest.raises(SightkitError, match="longer than an hour"):
        run(host, tmp_path, count=6)


def test_two_downloads_into_one_folder(host, tmp_path):
    from sightkit._locks import FileLock

    with (
        FileLock(tmp_path / ".download.lock", "the captchas"),
        pytest.raises(SightkitError, match="Only one process"),
    ):
        run(host, tmp_path)
    assert host.requests == []


def test_a_host_that_does_not_answer(host, tmp_path):
    host.server.server_close()
    url = host.url.replace(str(host.server.server_port), "9")
    with pytest.raises(SightkitError, match="host must answer"):
        captcha.Downloader(url, "me@example.org").run(tmp_path, 1)


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "ftp://example.org/x", "file:///etc/passwd", "http://", "https://u:p@h/x",
     "http://h:99999/x", "http://ä.example/"],
)  # fmt: skip
def test_an_address_must_name_a_host(url):
    with pytest.raises(SightkitError, match="one address"):
        captcha.Downloader(url, "me@example.org")


@pytest.mark.parametrize("contact", ["", "me", "me@example.org\r\nX: y", "mé@example.org"])
def test_a_contact_must_be_one(contact):
    with pytest.raises(SightkitError, match="reach you"):
        captcha.Downloader("http://example.org/captcha", contact)
