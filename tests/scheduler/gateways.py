"""Local stand-ins that speak the protocols of WeCom, DingTalk and the gateway for short messages."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ACCOUNT, SECRET, AGENT = "corp1", "s3cret/with+signs", "1000002"


@dataclass
class Desk:
    """What a stand-in got, and what it says next: ``codes`` are answers to messages, 0 when there are no more."""

    codes: list[int] = field(default_factory=list)
    got: list[dict[str, Any]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    tokens: int = 0
    token_code: int = 0
    lasts: int = 7200
    valid: set[str] = field(default_factory=set)
    nobody: set[str] = field(default_factory=set)
    hang: threading.Event | None = None

    def next_code(self) -> int:
        """The answer to the next message."""
        return self.codes.pop(0) if self.codes else 0


def platform(desk: Desk, *, wecom: bool) -> Callable[[str, str, bytes, Any], tuple[int, Any]]:
    """Answer as WeCom or DingTalk do: tokens by GET, messages by POST, always 200 with an errcode."""
    names = ("corpid", "corpsecret") if wecom else ("appkey", "appsecret")
    token_path = "/cgi-bin/gettoken" if wecom else "/gettoken"
    message_path = "/cgi-bin/message/send" if wecom else "/topapi/message/corpconversation/asyncsend_v2"

    def answer(method: str, address: str, body: bytes, headers: Any) -> tuple[int, Any]:
        parts = urlsplit(address)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if (method, parts.path) == ("GET", token_path):
            if desk.token_code or [query.get(name) for name in names] != [ACCOUNT, SECRET]:
                return 200, {"errcode": desk.token_code or 40001, "errmsg": "invalid credential"}
            desk.tokens += 1
            desk.valid = {f"token{desk.tokens}"}
            token = {"access_token": f"token{desk.tokens}", "expires_in": desk.lasts}
            return 200, {"errcode": 0, "errmsg": "ok", **token}
        if (method, parts.path) != ("POST", message_path):
            return 404, {}
        if query.get("access_token") not in desk.valid:
            return 200, {"errcode": 42001, "errmsg": "access_token expired"}
        sent = json.loads(body)
        to = sent["touser" if wecom else "userid_list"]
        assert str(sent["agentid" if wecom else "agent_id"]) == AGENT
        text = sent["text" if wecom else "msg"]
        code = desk.next_code()
        if code == 0 and to not in desk.nobody:
            desk.got.append({"to": to, "text": text["content"] if wecom else text["text"]["content"]})
        more = {"invaliduser": to} if wecom and to in desk.nobody else {"task_id": 256271667526}
        return 200, {"errcode": code, "errmsg": "ok" if not code else "refused", **more}

    return answer


def sms(desk: Desk) -> Callable[[str, str, bytes, Any], tuple[int, Any]]:
    """Answer as docs/channels.md says that a gateway for short messages does."""

    def answer(method: str, address: str, body: bytes, headers: Any) -> tuple[int, Any]:
        if headers["Authorization"] != f"Bearer {SECRET}":
            return 401, {}
        code = desk.next_code() or 202
        if code == 202:
            sent = json.loads(body)
            desk.got.append({"to": sent["to"], "text": sent["text"]})
        return code, {}

    return answer


@contextmanager
def standing(desk: Desk, channel: str) -> Iterator[str]:
    """Run a stand-in on this machine; yields the setting that leads to it."""
    answer = sms(desk) if channel == "sms" else platform(desk, wecom=channel == "wecom")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply()

        def do_POST(self) -> None:
            self.reply()

        def reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            desk.raw.append(f"{self.command} {self.path} {body.decode()}")
            if desk.hang is not None:
                desk.hang.wait(30)
            status, said = answer(self.command, self.path, body, self.headers)
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with suppress(BrokenPipeError):  # whoever asked has gone
                self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    agent = {"wecom": f"?agentid={AGENT}", "dingtalk": f"?agent_id={AGENT}", "sms": ""}[channel]
    try:
        yield f"http://{ACCOUNT}:s3cret%2Fwith%2Bsigns@127.0.0.1:{server.server_address[1]}/{agent}"
    finally:
        if desk.hang is not None:
            desk.hang.set()
        server.shutdown()
        server.server_close()
        thread.join()
