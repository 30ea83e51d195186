"""The server without a browser: what it gives, and what it refuses.

Tests web/editor.py too.
"""

import http.client
import io
import json
import socket
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.web.conftest import FRAMES, HEIGHT, WIDTH, Served
from vosctl.errors import UsageError
from vosctl.web.server import PageServer


def ask(
    served: Served, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", served.server.server_port, timeout=10)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    content = response.read(), response.headers
    connection.close()
    return response.status, *content


def own(served: Served, name: str) -> str:
    return f"/{served.server.token}/{name}"


def png(labels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(labels).save(file, "PNG")
    return file.getvalue()


def drawing(object_id: int = 5) -> np.ndarray:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[10:20, 30:50] = object_id
    return labels


def test_it_listens_on_loopback_alone(served: Served) -> None:
    assert served.server.server_address[0] == "127.0.0.1"
    assert served.server.url.startswith("http://127.0.0.1:")


def test_the_page_allows_no_script_but_its_own(served: Served) -> None:
    status, page, headers = ask(served, "GET", own(served, ""))
    assert status == 200
    policy = headers["Content-Security-Policy"]
    nonce = policy.split("script-src 'nonce-")[1].split("'")[0]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert f'<script nonce="{nonce}">'.encode() in page
    assert b"__NONCE__" not in page
    assert b"//" not in page.replace(b"// ", b"")  # no link to anywhere
    assert ask(served, "GET", own(served, ""))[2]["Content-Security-Policy"] != policy


def test_nothing_is_given_without_the_token(served: Served) -> None:
    token = served.server.token
    for path in [
        "/",
        "/state",
        "/frame?index=0",
        f"/{token[:-1]}/state",
        f"/{token}x/state",
        "/%e9/",
        "//state",
    ]:
        status, body, _ = ask(served, "GET", path)
        assert status == 403, path
        assert b"token" in body
    assert ask(served, "POST", "/save?index=0", png(drawing()))[0] == 403
    assert not served.editor.output.exists()


def test_another_host_or_origin_is_refused(served: Served) -> None:
    port = served.server.server_port
    for host in [
        "evil.example",
        f"evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        f"127.0.0.1.evil:{port}",
        "",
    ]:
        assert ask(served, "GET", own(served, "state"), headers={"Host": host})[0] == 403, host
    assert ask(served, "GET", own(served, "state"), headers={"Host": f"localhost:{port}"})[0] == 200
    elsewhere = {"Origin": "http://evil.example"}
    assert ask(served, "POST", own(served, "save?index=0"), png(drawing()), elsewhere)[0] == 403
    assert not served.editor.output.exists()


def test_paths_lead_nowhere_else(served: Served) -> None:
    for name in [
        "../../etc/passwd",
        "..%2f..%2fetc/passwd",
        "page.html",
        "state/",
        "%2e%2e/",
        "frame/../state",
    ]:
        assert ask(served, "GET", own(served, name))[0] == 404, name
    assert ask(served, "GET", own(served, "save"))[0] == 404
    assert ask(served, "POST", own(served, "state"), b"")[0] == 404
    assert ask(served, "PUT", own(served, "save"), b"x")[0] == 501


def test_what_is_too_large_is_refused_unread(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.server.server_port), timeout=10) as connection:
        request = (
            f"POST {own(served, 'save?index=0')} HTTP/1.1\r\nHost: 127.0.0.1:{served.server.server_port}\r\n"
            f"Content-Length: {served.server.largest_body + 1}\r\n\r\n"
        )
        connection.sendall(request.encode())
        assert b" 413 " in connection.recv(1000).split(b"\r\n")[0]
    for length in ["", "-1", "1e9", "9" * 30]:
        with socket.create_connection(("127.0.0.1", served.server.server_port), timeout=10) as connection:
            connection.sendall(request.replace(f"{served.server.largest_body + 1}", length).encode())
            assert connection.recv(1000).split(b" ")[1] == b"411"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no PNG"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 100, "no PNG"),
        (png(drawing())[:-40], "no PNG"),
        (png(drawing()[:-1]), "160x95"),
        (png(np.zeros((HEIGHT, WIDTH, 3), np.uint8)), "RGB"),
        (png(drawing(255)), "id 255"),
        (png(drawing() * 0), "empty"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(served: Served, body: bytes, reason: str) -> None:
    status, answer, _ = ask(served, "POST", own(served, "save?index=0"), body)
    assert status == 400
    assert reason in json.loads(answer)["error"]
    assert not served.editor.output.exists()
    assert served.thread.is_alive()


def test_a_png_that_claims_to_be_huge_is_not_decoded(served: Served) -> None:
    body = png(drawing())
    header = body[12:16] + (60000).to_bytes(4, "big") * 2 + body[24:29]
    huge = body[:12] + header + zlib.crc32(header).to_bytes(4, "big") + body[33:]
    status, answer, _ = ask(served, "POST", own(served, "save?index=0"), huge)
    assert status == 400
    assert "mask is" in json.loads(answer)["error"]


def test_saving_writes_the_ids_and_ends(served: Served) -> None:
    status, answer, _ = ask(served, "POST", own(served, "save?index=2"), png(drawing(9)))
    assert status == 200
    assert json.loads(answer)["next"] == "vosctl segment clip --mask 2=first.png"
    assert np.array_equal(served.saved(), drawing(9))
    assert served.editor.frame == 2


def test_frames_are_given_in_any_order_up_to_the_last(served: Served) -> None:
    sizes = []
    for index in [3, 0, 2, 0, 1]:
        status, body, headers = ask(served, "GET", own(served, f"frame?index={index}"))
        assert (status, headers["Content-Type"]) == (200, "image/jpeg")
        shown = np.asarray(Image.open(io.BytesIO(body))).astype(int)
        sizes.append(shown.shape)
        assert np.abs(shown - served.editor.frames[index]).mean() < 3
    assert set(sizes) == {(HEIGHT, WIDTH, 3)}
    for wrong in [f"frame?index={FRAMES}", "frame?index=-1", "frame?index=x", "frame"]:
        assert ask(served, "GET", own(served, wrong))[0] == 400, wrong
    assert served.editor.frames.count == FRAMES


def test_a_box_comes_back_as_a_mask(served: Served) -> None:
    status, body, _ = ask(served, "POST", own(served, "segment?index=0&object=4&box=10,20,30,40"), b"")
    assert status == 200
    found = np.array(Image.open(io.BytesIO(body)))
    assert (found == 4).sum() == 28 * 38
    for query in ["box=10,20,30,400&object=1", "box=1,1,0,5&object=1", "box=1,1,5,5&object=255", "object=1"]:
        status, answer, _ = ask(served, "POST", own(served, f"segment?index=0&{query}"), b"")
        assert status == 400, query
        assert json.loads(answer)["error"]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("index=0&box=1,1,5,5&object={}", "object 9999"),
        ("index={}&box=1,1,5,5&object=1", "frame 9999"),
        ("index=0&box={},1,5,5&object=1", "box 9999"),
        ("index=0&box=1,1,5,{}&object=1", "box 1,1,5,9999"),
        ("index=999999999&box=1,1,5,5&object=1", "no frame 999999999"),
        ("index=0&box=1,1,5,5&object=%C2%B2", "object ²"),
    ],
)
def test_numbers_without_end_are_refused_in_one_line(served: Served, query: str, reason: str) -> None:
    status, answer, _ = ask(served, "POST", own(served, f"segment?{query.format('9' * 5000)}"), b"")
    assert status == 400
    error = json.loads(answer)["error"]
    assert reason in error
    assert "\n" not in error
    assert len(error) < 200


def test_an_address_that_is_none_is_refused(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.server.server_port), timeout=10) as connection:
        host = f"127.0.0.1:{served.server.server_port}"
        connection.sendall(f"GET http://[/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert connection.recv(1000).split(b" ")[1] == b"400"


def test_a_picture_that_was_not_the_clips_is_not_saved(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    monkeypatch.setattr(served.editor.frames, "exact", lambda number: other)
    status, answer, _ = ask(served, "POST", own(served, "save?index=2"), png(drawing()))
    assert status == 400
    assert "what was shown as frame 2 is another one" in json.loads(answer)["error"]
    assert not served.editor.output.exists()


def test_a_port_that_is_taken_is_said(served: Served) -> None:
    with pytest.raises(UsageError, match="in use"):
        PageServer(served.server.server_port, {}, 0)


def test_the_page_hears_of_a_fault(served: Served) -> None:
    def fails(*_: object) -> np.ndarray:
        raise RuntimeError("no kernel\nfor this")

    served.editor.segment_boxes = fails
    status, body, _ = ask(served, "POST", own(served, "segment?index=0&object=1&box=1,1,9,9"))
    assert status == 500
    assert json.loads(body)["error"] == "RuntimeError: no kernel for this: a fault of vosctl"
