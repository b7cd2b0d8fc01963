"""A local server that speaks as much of the Hugging Face hub's protocol as push and pull need."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_of_the_test"
LARGE = (".h5", ".safetensors", ".png", ".npz", ".npy")
"""Endings of files that go by LFS."""


@dataclass
class Hub:
    """What the server holds.

    Attributes:
        url: of the server.
        repositories: name to commits, each from path to content; the last one is main.
        private: repositories that need the token.
        sizes: path to the size that is declared in place of the true one.
        status: that each request is answered with, where it is set.
        delay: seconds before each answer.
        requests: method and path of each.
    """

    url: str = ""
    repositories: dict[str, list[dict[str, bytes]]] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    sizes: dict[str, int] = field(default_factory=dict)
    status: int | None = None
    delay: float = 0.0
    requests: list[str] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)

    def files(self, name: str) -> dict[str, bytes]:
        """Files of a repository's main branch, to change."""
        return self.repositories[name][-1]

    def commit_of(self, name: str, revision: str) -> int | None:
        count = len(self.repositories[name])
        known = {f"{number:040x}": number for number in range(count)} | {"main": count - 1}
        return known.get(revision)


@contextlib.contextmanager
def running() -> Iterator[Hub]:
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Of", (Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        self.serve()

    do_HEAD = do_POST = do_PUT = do_GET

    def serve(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        parts = path.strip("/").split("/")
        time.sleep(self.hub.delay)
        if self.hub.status:
            return self.answer(self.hub.status, {"error": "as the test wants"})
        if path == "/api/validate-yaml":
            return self.answer(200, {"errors": [], "warnings": []})
        if parts[0] == "lfs":
            self.hub.objects[parts[1]] = self.body
            return self.answer(200, {})
        if not allowed and (self.command != "GET" and self.command != "HEAD"):
            return self.answer(401, {"error": "no token"})
        if path == "/api/whoami-v2":
            known = {"type": "user", "name": "me"}
            return self.answer(200, known) if allowed else self.answer(401, {"error": "no token"})
        if path == "/api/repos/create":
            return self.create(json.loads(self.body))
        if path.endswith(".git/info/lfs/objects/batch"):
            return self.batch(json.loads(self.body))
        owner, name, *rest = parts[2:] if parts[0] == "api" else parts
        repository = f"{owner}/{name}"
        if repository not in self.hub.repositories or (
            repository in self.hub.private and not allowed
        ):
            return self.answer(404, {}, {"X-Error-Code": "RepoNotFound"})
        action, revision, *file = [*rest, "info", "main"] if not rest else rest
        if action == "preupload":
            return self.preupload(json.loads(self.body))
        if action == "commit":
            return self.commit(repository)
        number = self.hub.commit_of(repository, revision)
        if number is None:
            return self.answer(404, {}, {"X-Error-Code": "RevisionNotFound"})
        files, commit = self.hub.repositories[repository][number], f"{number:040x}"
        if action == "resolve":
            return self.resolve(files, "/".join(file), commit)
        listed = [
            {"rfilename": path, "size": self.hub.sizes.get(path, len(content))}
            for path, content in files.items()
        ]
        private = repository in self.hub.private
        return self.answer(
            200, {"id": repository, "sha": commit, "private": private, "siblings": listed}
        )

    def create(self, given: dict[str, Any]) -> None:
        name = f"{given['organization']}/{given['name']}"
        if name in self.hub.repositories:
            return self.answer(409, {"url": f"{self.hub.url}/{name}"})
        self.hub.repositories[name] = [{}]
        if given.get("visibility") == "private":
            self.hub.private.add(name)
        return self.answer(200, {"url": f"{self.hub.url}/{name}"})

    def preupload(self, given: dict[str, Any]) -> None:
        modes = [
            {
                "path": each["path"],
                "uploadMode": "lfs" if each["path"].endswith(LARGE) else "regular",
                "shouldIgnore": False,
            }
            for each in given["files"]
        ]
        self.answer(200, {"files": modes})

    def batch(self, given: dict[str, Any]) -> None:
        objects = [
            {**each, "actions": {"upload": {"href": f"{self.hub.url}/lfs/{each['oid']}"}}}
            for each in given["objects"]
        ]
        self.answer(200, {"transfer": "basic", "objects": objects})

    def commit(self, repository: str) -> None:
        files = dict(self.hub.files(repository))
        for line in self.body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                content = self.hub.objects[value["oid"]]
                assert hashlib.sha256(content).hexdigest() == value["oid"]
                files[value["path"]] = content
        self.hub.repositories[repository].append(files)
        oid = f"{len(self.hub.repositories[repository]) - 1:040x}"
        self.answer(
            200, {"commitUrl": f"{self.hub.url}/{repository}/commit/{oid}", "commitOid": oid}
        )

    def resolve(self, files: dict[str, bytes], path: str, commit: str) -> None:
        if path not in files:
            return self.answer(404, {}, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        etag = hashlib.sha256(files[path]).hexdigest()
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": commit}
        return self.answer(200, files[path], headers)

    def answer(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
