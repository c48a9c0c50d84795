"""A timestamp authority on loopback: what it says is kept and held against the file, and nothing waits for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from asn1crypto.keys import PrivateKeyInfo
from asn1crypto.tsp import TimeStampReq, TimeStampResp
from asn1crypto.x509 import Certificate
from cryptography.hazmat.primitives import serialization
from pyhanko.sign.timestamps import DummyTimeStamper

from app import office_ca as ca
from app import timestamps
from app.services import anchors, seals
from app.timestamps import BadStamp
from tests.offices import DAY, DER
from tests.store.test_seals import COUNTY, codes, go_on
from tests.world import World

Change = Callable[[TimeStampResp], bytes]


@cache
def clock() -> DummyTimeStamper:
    """What a real authority has: a key and a certificate for nothing but stamps."""
    root_key, key = ca.make_key("p256"), ca.make_key("rsa3072")
    root = ca.make_root(root_key, "时间戳根", now=DAY)
    own = ca.make_leaf(root, root_key, key.public_key(), "时间戳", now=DAY, is_clock=True)
    secret = key.private_bytes(DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return DummyTimeStamper(Certificate.load(own.public_bytes(DER)), PrivateKeyInfo.load(secret), fixed_dt=DAY)


def answer_to(question: bytes) -> TimeStampResp:
    return clock().request_tsa_response(TimeStampReq.load(question))


@contextmanager
def serving(change: Change = TimeStampResp.dump, *, status: int = 200) -> Iterator[str]:
    """An authority on loopback; ``change`` spoils its answers."""

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["Content-Length"]))
            data = change(answer_to(question))
            self.send_response(status)
            self.send_header("Content-Type", timestamps.ANSWERED)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Desk) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/tsa"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def world(migrated_url: str, tmp_path: Path) -> Iterator[World]:
    """A household on its way, and a folder outside."""
    one = World(migrated_url, tmp_path / "data")
    (tmp_path / "anchors").mkdir()
    one.folder.mkdir(exist_ok=True)
    use(one, "", anchor_folder=tmp_path / "anchors")
    with one.app.app_context():
        one.walker().act("report_clue")
        yield one
    one.close()


def use(world: World, url: str, **more: Path) -> None:
    """Let the installation ask an authority."""
    held = world.app.extensions["fangpin"]
    held.settings = replace(held.settings, timestamps=url, **more)


def test_each_checkpoint_is_stamped_once(world: World, tmp_path: Path) -> None:
    """Also those from before the authority was there; what was kept for another file is found by the check."""
    seals.seal(COUNTY)
    go_on(world, 2)
    with serving() as url:
        use(world, url)
        seals.seal(COUNTY)
        assert anchors.stamp(COUNTY) == 0
    files = anchors.files_of(COUNTY)
    stamps = [path.with_suffix(".tsr") for path in files]
    assert len(files) == 2
    assert {timestamps.ensure_of(s.read_bytes(), f.read_bytes()) for f, s in zip(files, stamps, strict=True)} == {DAY}
    assert codes() == set()
    stamps[0].write_bytes(stamps[1].read_bytes())
    assert codes() == {"anchor_stamp"}


def test_an_authority_that_is_gone_stops_nothing(world: World) -> None:
    with serving() as url:
        pass
    use(world, url)
    done = seals.seal(COUNTY)
    assert (done.is_new, done.is_exported) == (True, True)
    assert [path.suffix for path in sorted(anchors.folder().iterdir())] == [".txt"]  # type: ignore[union-attr]


def refused(answer: TimeStampResp) -> bytes:
    return bytes.fromhex("30053003020102")  # PKIStatusInfo of status 2, rejection, and no token


def cut(answer: TimeStampResp) -> bytes:
    return bytes(answer.dump()[:-40])


def another(answer: TimeStampResp) -> bytes:
    return kept[0]


kept: list[bytes] = []


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        (refused, 200, "rejection"),
        (cut, 200, "malformed"),
        (another, 200, "another question"),
        (TimeStampResp.dump, 302, "status 302"),
        (lambda _: b"x" * (timestamps.LARGEST + 1), 200, "bytes"),
    ],
)
def test_what_is_no_stamp_is_not_kept(change: Change, status: int, why: str) -> None:
    with serving() as url:
        kept[:] = [timestamps.ask(url, b"checkpoint")]
    with serving(change, status=status) as url, pytest.raises(BadStamp, match=why):
        timestamps.ask(url, b"checkpoint")
    with pytest.raises(BadStamp, match="something else"):
        timestamps.ensure_of(kept[0], b"another checkpoint")
