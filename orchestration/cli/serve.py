"""`kpi serve`: the pages on this machine's own address, and nothing beside them."""

from __future__ import annotations

import gzip
import io
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

from orchestration.cli.console import console
from orchestration.config import settings
from orchestration.errors import ExitCode, KpiError

HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",  # what pages may load they say themselves
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}
_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_SMALL = 1400  # bytes: what fits one packet is not packed


class Pages(SimpleHTTPRequestHandler):
    """Files of one folder, packed where the client can unpack; no list of them, no way out."""

    server_version, sys_version = "kpi", ""

    def send_head(self) -> BinaryIO | io.BytesIO | None:
        """Answer with a file, or say why not; see `SimpleHTTPRequestHandler`."""
        # A page elsewhere whose name was made to lead here asks by that name.
        if (self.headers.get("Host") or "").rpartition(":")[0] not in _HOSTS:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return None
        path, root = Path(self.translate_path(self.path)), Path(self.directory).resolve()
        path = path / "index.html" if path.is_dir() else path
        if not (path.is_file() and path.resolve().is_relative_to(root)):
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        content, kind = path.read_bytes(), self.guess_type(str(path))
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if "text" in kind else kind)
        if len(content) > _SMALL and "gzip" in (self.headers.get("Accept-Encoding") or ""):
            content = gzip.compress(content, compresslevel=6, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Vary", "Accept-Encoding")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return io.BytesIO(content)

    def end_headers(self) -> None:
        """End them with those that every answer has."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()


def server_of(site: Path, port: int) -> ThreadingHTTPServer:
    """A server of a folder's pages on 127.0.0.1, not yet serving.

    Raises:
        KpiError: the port is taken.
    """
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(Pages, directory=str(site)))
    except OSError as error:
        raise KpiError(
            str(error), f"port {port}", "Choose another with --port.", ExitCode.USAGE
        ) from error


def serve_site(port: int) -> None:
    """Serve `data/site` on 127.0.0.1 until interrupted.

    Raises:
        KpiError: there are no pages yet, or the port is taken.
    """
    site = settings.load().paths.site
    if not site.exists():
        raise KpiError("there are no pages yet", str(site), "Run `kpi run`.", ExitCode.USAGE)
    with server_of(site, port) as server:
        console.out(f"http://127.0.0.1:{port}/index.html   (Ctrl-C ends)")
        server.serve_forever()
