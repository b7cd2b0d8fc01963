"""Download captchas politely: slowly, from one host, as its robots.txt allows.

    sightkit captcha/download_captcha --url https://example.org/captcha --contact me@example.org \\
        --count 200 --output captchas

Ask those who run the host first: docs/captcha.md says how. Each request says who you are, five
seconds are between two (more where robots.txt asks for it), redirects to other hosts are refused,
and after three requests in a row without a new picture the host is left alone. The same command
goes on where it stopped.
"""

from __future__ import annotations

import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps import captcha


@dataclass(frozen=True)
class Config:
    """Download captchas."""

    url: str = ""
    """Address of a captcha: each request gives another one."""
    contact: str = ""
    """Your e-mail address or page, sent with each request."""
    count: int = 200
    """Captchas that the folder shall hold; those that it holds count."""
    interval: float = 5.0
    """Seconds between two requests, 1 at least."""
    output: Path = Path("captchas")
    """Folder of the captchas: 00000.jpg and so on."""
    smoke: bool = False
    """Download three captchas that are drawn here, from this machine."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, count=1, interval=captcha.FASTEST)
        if not self.smoke:
            if not self.url:
                raise SightkitError("Name the address.", "Give --url https://HOST/CAPTCHA.")
            captcha.require_url(self.url)
            captcha.require_contact(self.contact)
        _files.require_writable(self.output)


def main(config: Config) -> dict[str, Any]:
    if not config.smoke:
        found = captcha.Downloader(config.url, config.contact, config.interval).run(
            config.output, config.count
        )
    else:
        with tempfile.TemporaryDirectory() as folder, captcha.serve_drawn() as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_port}/captcha"
            found = captcha.Downloader(url, "smoke@localhost", 0.1).run(Path(folder), 3)
            server.shutdown()
    print("{captchas} captchas, {downloaded} of them new; {failed} requests failed".format(**found))
    return found


if __name__ == "__main__":
    _cli.run(main, Config)
