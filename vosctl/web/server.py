"""The page's server: it listens on loopback only, wants a token in every path, and reaches nothing else."""

import hmac
import json
import os
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from socketserver import TCPServer
from urllib.parse import parse_qs, urlsplit

from vosctl.errors import UsageError, VosctlError

HOST = "127.0.0.1"
_TIMEOUT = 60  # seconds that a request may take to arrive


@dataclass(frozen=True)
class Answer:
    """The answer to a request."""

    body: bytes
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_last: bool = False
    """The server ends after it."""


Route = Callable[[Mapping[str, str], bytes], Answer]  # of the query and the body


class PageServer(ThreadingHTTPServer):
    """Serves the page at `url`, and what it asks for, until an answer is the last one.

    Args:
        port: the one to listen on; 0 takes any that is free.
        routes: functions that answer, by (method, name); a request goes to /TOKEN/NAME.
        largest_body: how many bytes a request may send; more is refused unread.

    Raises:
        UsageError: the port is taken or not allowed.
    """

    daemon_threads = True  # a browser may keep idle connections open: nobody waits for them
    allow_reuse_address = os.name != "nt"  # where it lets two servers share a port

    def __init__(self, port: int, routes: Mapping[tuple[str, str], Route], largest_body: int) -> None:
        self.routes, self.largest_body = routes, largest_body
        self.token = secrets.token_urlsafe(24)
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise UsageError(
                f"--port {port}: {(error.strerror or str(error)).lower()}; name another port, or leave "
                "--port out for a free one"
            ) from error

    def server_bind(self) -> None:
        """Binds without the base's look-up of the host's name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.socket.getsockname()[1]

    def handle_error(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Says nothing, for a browser that hangs up in the middle is no error."""

    @property
    def hosts(self) -> tuple[str, str]:
        """The values of the Host header that are taken; others came by a name that somebody else controls."""
        return f"{HOST}:{self.server_port}", f"localhost:{self.server_port}"

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    server: PageServer
    timeout = _TIMEOUT
    server_version, sys_version = "vosctl", ""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        host = self.headers.get("Host", "")
        origin = self.headers.get("Origin")
        if host not in self.server.hosts or origin not in (None, f"http://{host}"):
            self._refuse(HTTPStatus.FORBIDDEN, "the page answers only under its own address")
            return
        try:
            parts = urlsplit(self.path)
        except ValueError:
            self._refuse(HTTPStatus.BAD_REQUEST, "this is no address of the page")
            return
        token, _, name = parts.path.removeprefix("/").partition("/")
        if not hmac.compare_digest(token.encode("latin-1", "replace"), self.server.token.encode()):
            self._refuse(HTTPStatus.FORBIDDEN, "open the address that vosctl has printed, with its token")
            return
        if method == "GET" and not name:
            self._send_page()
            return
        route = self.server.routes.get((method, name))
        if route is None:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")
            return
        body = self._body() if method == "POST" else b""
        if body is None:
            return
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        try:
            answer = route(query, body)
        except VosctlError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, " ".join(str(error).split()))
            return
        except Exception as error:  # noqa: BLE001 (nobody else would hear of it in this thread)
            fault = " ".join(f"{type(error).__name__}: {error}".split())
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, f"{fault}: a fault of vosctl")
            return
        self._send(HTTPStatus.OK, answer.body, answer.kind, answer.headers)
        if answer.is_last:
            self.wfile.flush()
            threading.Thread(target=self.server.shutdown).start()  # it waits for the thread that serves

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or len(length) > 12:
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "the length of the request is missing")
        elif int(length) > self.server.largest_body:
            self._refuse(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the request is larger than any mask of this clip"
            )
        else:
            return self.rfile.read(int(length))
        return None

    def _send_page(self) -> None:
        nonce = secrets.token_urlsafe(18)
        page = (files("vosctl.web") / "page.html").read_text(encoding="utf-8").replace("__NONCE__", nonce)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        headers = {"Content-Security-Policy": policy}
        self._send(HTTPStatus.OK, page.encode(), "text/html; charset=utf-8", headers)

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._send(status, json.dumps({"error": reason}).encode(), "application/json", {})

    def _send(self, status: HTTPStatus, body: bytes, kind: str, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        fixed = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",  # the token is in the address
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        for key, value in {**fixed, **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        """Says nothing: requests are nobody's news, and errors go to the page."""
