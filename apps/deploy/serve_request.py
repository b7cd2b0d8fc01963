"""What a client may send: the photos of a request, read no further than they may go."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from sightkit._errors import visible
from sightkit.apps.deploy.serve_queue import RefusedError

PHOTOS = 32
"""Of one request."""
FIELDS = 16
"""Of a form, besides its files; none is read."""
FIELD_BYTES = 2**16
TAIL = 8
"""Last bytes of a body that are looked at."""
RAW = "application/octet-stream"
WANTED = (
    f"Send a photo as image/* or {RAW}, files as multipart/form-data, or application/json: "
    '{"image": BASE64} or {"images": [BASE64, …]}.'
)


Sent = bytes | RefusedError
"""Content of a photo; or why it has none, which costs the others of its request no answer."""


async def read_photos(request: Request, most_bytes: int) -> tuple[list[Sent], bool]:
    """Return the photos of a request, and whether they were sent as several.

    Names of files are not read: a photo is its content.

    Raises:
        RefusedError: another type, too many bytes or photos, or a body that is not of its type.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    form = kind == "multipart/form-data"
    limited = _LimitedRequest(request, most_bytes, is_form=form)
    if kind == RAW or kind.startswith("image/"):
        return [await limited.body()], False
    if form:
        options = {"max_files": PHOTOS, "max_fields": FIELDS, "max_part_size": FIELD_BYTES}
        async with limited.form(**options) as parsed:
            sent = [value for _, value in parsed.multi_items()]
            photos: list[Sent] = [await x.read() for x in sent if isinstance(x, UploadFile)]
        if not photos:
            raise RefusedError(400, "The form has no file. With curl: -F file=@photo.jpg")
        return photos, len(photos) > 1
    if kind == "application/json":
        return _from_json(await limited.body())
    raise RefusedError(415, f"{WANTED} Received: {visible(kind)[:100] or 'no type'}.")


class _LimitedRequest(Request):
    """A request whose body is refused where it is too large, before or while it is read."""

    def __init__(self, request: Request, most_bytes: int, *, is_form: bool) -> None:
        super().__init__(request.scope, request.receive)
        self._most_bytes = most_bytes
        self._is_form = is_form

    async def stream(self) -> AsyncGenerator[bytes, None]:
        refusal = RefusedError(413, f"A request may have {self._most_bytes:,} bytes at most.")
        if int(self.headers.get("content-length", 0)) > self._most_bytes:  # h11 has checked it
            raise refusal
        size, tail = 0, b""
        async for chunk in super().stream():
            size += len(chunk)
            if size > self._most_bytes:
                raise refusal
            tail = (tail + chunk[-TAIL:])[-TAIL:]
            yield chunk
        if self._is_form and not tail.rstrip().endswith(b"--"):  # the parser passes over it
            raise RefusedError(400, "The form has no end.")


def _from_json(body: bytes) -> tuple[list[Sent], bool]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(400, f"The body is not JSON. {WANTED}") from None
    found = {"image", "images"}.intersection(given if isinstance(given, dict) else ())
    if not found:
        raise RefusedError(400, f'The JSON has no "image" and no "images". {WANTED}')
    if len(found) > 1:
        raise RefusedError(400, 'The JSON has "image" and "images". Send one of them.')
    if "image" in found:
        photo = _from_base64(given["image"], '"image"')
        if isinstance(photo, RefusedError):
            raise photo
        return [photo], False
    texts = given["images"]
    if not isinstance(texts, list) or not texts:
        raise RefusedError(400, '"images" must be a list of a photo or more, each in base64.')
    if len(texts) > PHOTOS:
        raise RefusedError(413, f"A request may have {PHOTOS} photos at most.")
    return [_from_base64(text, f"Image {at}") for at, text in enumerate(texts, 1)], True


def _from_base64(text: Any, name: str) -> Sent:
    try:
        return base64.b64decode("".join(text.split()), validate=True)  # in lines, or in one
    except (ValueError, AttributeError):
        return RefusedError(400, f"{name} is not base64.")
