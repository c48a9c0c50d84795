"""What an installation does by its real processes: a roster imported by the command, calls of the API a second."""

import http.client
import itertools
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests import postgres
from tests.bench.rosters import write_roster
from tests.cli.conftest import OFFICES, Machine, environment
from tests.cli.test_serve import get, serving

CALLERS = 8
DATA = {"category": "marginal_vulnerable", "risks": ["illness"], "income_per_head": 720_000, "opinion": "同意提名"}
CLUE = {"clue_source": "self_report", "clue_note": "家中有人患重病"}


@dataclass(frozen=True)
class Imported:
    """A roster's households and people, the seconds of the first import, and of the same file again."""

    households: int
    people: int
    seconds: float
    again: float


@dataclass(frozen=True)
class Calls:
    """Calls a second by several callers at once: reading a case, registering a clue, moving a case."""

    read: float
    clue: float
    move: float


@contextmanager
def installed(engine: str, folder: Path) -> Iterator[Machine]:
    """A machine with a cadre and a lead office, set up at the present time, as its server reads the real clock."""
    url = f"sqlite:///{folder / 'fangpin.db'}" if engine == "sqlite" else postgres.new_database()
    machine = Machine(environment(url, folder), folder, now=datetime.now(UTC))
    machine.init()
    for name in ("cun", "xian"):
        machine.add(name, OFFICES[name])
    yield machine
    if engine == "postgresql":
        postgres.drop_database(url)


def imported(machine: Machine, households: int) -> Imported:
    """Import a county's roster by the command, twice."""
    path = machine.folder / "roster.xlsx"
    people = write_roster(path, households)
    return Imported(households, people, _import(machine, path), _import(machine, path))


def _import(machine: Machine, path: Path) -> float:
    words = [sys.executable, "-m", "app.cli", "import", "households", str(path), "--as", "xian"]
    begun = time.perf_counter()
    subprocess.run(words, env={**os.environ, **machine.environ}, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def peak() -> float:
    """Return the most memory that a process started so far has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def calls(machine: Machine, count: int) -> Calls:
    """Serve with the real server and call it with a token, by several callers at once on the same machine."""
    words = [
        "--name",
        "bench",
        "--area",
        "500241103204",
        "--days",
        "2",
        "--scope",
        "cases:read",
        "--scope",
        "cases:act",
    ]
    made = machine.run("token", "add", "--as", "cun", *words, "--scope", "households:read").output
    token = re.search(r"fangpin_[0-9A-Za-z_-]+", made)
    assert token
    with serving(machine) as port:
        assert get(port, "/livez")[0] == 200
        ask = _asking(port, token[0])
        numbers = _households(ask, count)
        clue = _a_second(lambda n: ask("POST", f"/households/{n}/clues/include", {"data": CLUE}), numbers)
        read = _a_second(lambda n: ask("GET", f"/cases/{n}-C1"), numbers)
        move = _a_second(lambda n: ask("POST", f"/cases/{n}-C1/acts/nominate", {"data": DATA, "version": 1}), numbers)
    return Calls(read, clue, move)


def _asking(port: int, token: str) -> Callable[..., Any]:
    keys = itertools.count()

    def ask(method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"bench-{next(keys)}"}
        connection.request(method, f"/api/v1{path}", json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        assert answer.status == 200, text
        return json.loads(text)

    return ask


def _households(ask: Callable[..., Any], count: int) -> list[str]:
    """The numbers of so many households of the village."""
    found: list[str] = []
    after = ""
    while len(found) < count:
        page = ask("GET", f"/households?area=500241103204&after={after}")
        found += [row["number"] for row in page["rows"]]
        after = page["next"]
        if not after:
            break
    return found[:count]


def _a_second(call: Callable[[str], Any], numbers: list[str]) -> float:
    begun = time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(call, numbers))
    return len(numbers) / (time.perf_counter() - begun)
