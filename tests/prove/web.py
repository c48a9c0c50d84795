"""The web as `fangpin serve` runs it, on a world's database, and those who ask it: other systems and a browser."""

import http.client
import json
import re
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from app.services.outages import AWAY, BUSY, FULL
from tests.cli.test_serve import free_port, get
from tests.scheduler.kills import ROOT, environment
from tests.world import PASSWORD, World

CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
OUTAGES = frozenset({AWAY, BUSY, FULL})
LONGEST = 60  # seconds; an answer that takes longer counts as none


@contextmanager
def served(world: World, **variables: str) -> Iterator[int]:
    """Run web and workers as processes of their own; yields the port. Its log lies in the world's folder."""
    port = free_port()
    words = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
    with (world.folder / "web.log").open("ab") as log:
        process = subprocess.Popen(words, env={**environment(world), **variables}, cwd=ROOT, stderr=log)
    try:
        get(port, "/livez")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def faults(world: World) -> list[str]:
    """Return the lines of the web's log that tell of a fault of ours, a traceback or a worker that died."""
    lines = (world.folder / "web.log").read_text(errors="replace").splitlines()
    return [line for line in lines if re.search(r"Traceback|File \"|\"critical\"|was sent SIG|WORKER TIMEOUT", line)]


@dataclass
class Asker:
    """Sends requests, each on a connection of its own, and counts what was answered; a clean outage is no failure."""

    port: int
    headers: Mapping[str, str] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> http.client.HTTPResponse:
        """Return an answer, its body read into ``text``."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST)
        begun = time.monotonic()
        try:
            connection.request(method, path, body or None, {**self.headers, **headers})
            response = connection.getresponse()
            self.text = response.read().decode(errors="replace")
        finally:
            connection.close()
            self.longest = max(self.longest, time.monotonic() - begun)
        code = response.headers.get("X-Fangpin-Code", "")
        self.answers[f"{response.status} {code}".strip()] += 1
        if response.status >= 500:
            assert response.status == 503, (path, response.status, self.text[:300])
            assert code in OUTAGES, (path, code)
            assert response.headers["Retry-After"]
            assert "Traceback" not in self.text
        return response


@dataclass
class System(Asker):
    """Another system, by its token: a command is sent again under its key until it is answered."""

    def command(self, path: str, body: Mapping[str, Any], *, key: str = "", tries: int = 10_000) -> dict[str, Any]:
        """Return the answer to a command; after so many outages in a row the last one."""
        key = key or uuid.uuid4().hex
        raw, kind = json.dumps(body).encode(), {"Content-Type": "application/json"}
        for _ in range(tries):
            response = self.ask("POST", f"/api/v1{path}", raw, **kind, **{"Idempotency-Key": key})
            answer: dict[str, Any] = json.loads(self.text)
            if response.status != 503:
                assert response.status in (200, 201), answer
                return answer
            assert response.headers["Content-Type"] == "application/problem+json"
            time.sleep(0.1)
        return answer


@dataclass
class Reader(Asker):
    """A browser that stays logged in and opens pages."""

    cookies: SimpleCookie = field(default_factory=SimpleCookie)

    def open(self, path: str) -> int:
        """Return the status of a page."""
        return self._send("GET", path)

    def log_in(self, username: str) -> None:
        """Log in by the form."""
        self._send("GET", "/login")
        found = CSRF.search(self.text)
        assert found
        form = {"username": username, "password": PASSWORD, "csrf_token": found.group(1)}
        assert self._send("POST", "/login", urlencode(form).encode()) == 303, self.text[:300]

    def _send(self, method: str, path: str, body: bytes = b"") -> int:
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        response = self.ask(method, path, body, Cookie=cookie, **kind)
        for line in response.headers.get_all("Set-Cookie", []):
            self.cookies.load(line)
        return response.status
