"""``make prove``: the full-size proofs, one after the other, and a dated table of their figures."""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from app.store.schema import upgrade
from reports.render import render_trail
from reports.verify import verify_pdf
from tests import postgres
from tests.bench.__main__ import FIGURES, machine
from tests.bench.trails import trail_of
from tests.factories import included
from tests.scheduler import kills
from tests.store.test_races import race_of_approvals
from tests.world import World
from workflows.journal import check_chain

ENGINES = ("sqlite", "postgresql")
CLERKS = 2_000
TIMERS, KILLS = 20_000, 50
EDITS = 10_000


@contextmanager
def world(engine: str) -> Iterator[World]:
    """A migrated, empty installation on one engine."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/prove.sqlite3" if engine == "sqlite" else postgres.new_database()
        upgrade(url)
        one = World(url, Path(folder))
        with one.app.app_context():
            yield one
        one.close()
        if engine == "postgresql":
            postgres.drop_database(url)


def machine_against_oracle() -> str:
    """The stateful tests of machine and rights with the long profile of Hypothesis."""
    command = [sys.executable, "-m", "pytest", "tests/unit/test_machine_stateful.py", "-q", "--timeout=3600"]
    done = subprocess.run(command, env={**os.environ, "HYPOTHESIS_PROFILE": "prove"}, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stdout[-3000:])
    return done.stdout.strip().splitlines()[-1]


def identical_approvals(engine: str) -> str:
    """Thousands of identical approvals at once make one move."""
    with world(engine) as one:
        answers = race_of_approvals(one, CLERKS)
    if answers != {"moved": 1, "stale": CLERKS - 1}:
        raise AssertionError(answers)
    return f"{CLERKS} clicks: 1 move, {CLERKS - 1} clean refusals"


def killed_schedulers(engine: str) -> str:
    """Two schedulers killed again and again: each timer works exactly once."""
    with world(engine) as one:
        figures = kills.prove(one, timers=TIMERS, kills=KILLS, chance=random.Random(1))
    return str(figures)


def api_against_its_document() -> str:
    """Schemathesis with hundreds of requests to every operation of the API, on both engines."""
    command = [sys.executable, "-m", "pytest", "tests/api/test_fuzz.py", "-q", "--timeout=7200"]
    done = subprocess.run(command, env={**os.environ, "HYPOTHESIS_PROFILE": "prove"}, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stdout[-3000:])
    return done.stdout.strip().splitlines()[-1]


def chain_edits() -> str:
    """Random edits of one character of a real chain are all found."""
    walker, chance, missed = included(), random.Random(2), 0
    chain, head = walker.chains[walker.case.number], walker.case.head
    for _ in range(EDITS):
        at = chance.randrange(len(chain))
        text = chain[at]
        place = chance.randrange(len(text))
        other = chr((ord(text[place]) + 1 + chance.randrange(90)) % 0x3000)
        edited = [*chain[:at], text[:place] + other + text[place + 1 :], *chain[at + 1 :]]
        missed += not check_chain(walker.case.number, edited, head, len(chain))
    if missed:
        raise AssertionError(f"{missed} edits were not found")
    return f"{EDITS} edits of one character, all found"


def printed_bytes() -> str:
    """A trail of 300 entries is printed and its bytes are compared on verification."""
    text = trail_of(300, included())
    begun = time.perf_counter()
    pdf = render_trail(text)
    printed = time.perf_counter() - begun
    verdict = verify_pdf(pdf, anchor=None)
    if verdict.code != 3:
        raise AssertionError(verdict.sentences("en"))
    return f"300 entries printed in {printed:.1f} s; verified: consistent, not anchored"


def proofs() -> Iterator[tuple[str, Callable[[], str]]]:
    """All proofs by name."""
    yield "machine and rights against the oracle", machine_against_oracle
    yield "the API against its document", api_against_its_document
    yield "edits of a chain", chain_edits
    yield "printed bytes", printed_bytes
    for engine in ENGINES:
        yield f"identical approvals, {engine}", lambda engine=engine: identical_approvals(engine)  # type: ignore[misc]
        yield f"killed schedulers, {engine}", lambda engine=engine: killed_schedulers(engine)  # type: ignore[misc]


def main() -> int:
    """Run all proofs, print the table and keep it; 1 when one failed."""
    begun_at = datetime.now(UTC)
    lines = [
        f"# Proofs {begun_at:%Y-%m-%d %H:%M} UTC",
        "",
        machine(),
        "",
        "| proof | seconds | result |",
        "|---|---|---|",
    ]
    failed = False
    for name, proof in proofs():
        begun = time.perf_counter()
        try:
            result = proof()
        except AssertionError as error:
            result, failed = f"FAILED: {error}", True
        lines.append(f"| {name} | {time.perf_counter() - begun:.0f} | {result} |")
        sys.stdout.write(lines[-1] + "\n")
        sys.stdout.flush()
    postgres.stop()
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / f"prove-{begun_at:%Y-%m-%d}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
