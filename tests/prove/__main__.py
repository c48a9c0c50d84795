"""``make prove``: the full-size proofs, one after the other or those named, and a dated table of their figures.

``python -m tests.prove`` runs all of them; words after it choose those whose names hold one of the words;
``--list`` only names them. Sizes can be set: ``writers_seconds=60``.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from reports.render import render_trail
from reports.verify import verify_pdf
from tests import postgres
from tests.bench.__main__ import FIGURES, machine
from tests.bench.trails import trail_of
from tests.factories import included
from tests.prove import (
    agreeing,
    counting,
    county_year,
    edited_prints,
    full_disk,
    killed_database,
    races,
    same_bytes,
    scanned_codes,
    writers,
)
from tests.prove.worlds import ENGINES, world
from tests.scheduler import kills
from tests.store.test_races import race_of_approvals
from workflows.journal import check_chain

SIZES: dict[str, int] = {
    "pairs": 10_000,
    "clerks": 2_000,
    "timers": 100_000,
    "schedulers_postgresql": 4,
    "schedulers_sqlite": 2,  # one writer at a time
    "kills": 50,
    "edits": 10_000,
    "scans": 100,
    "renders": 50,
    "periods": 1_000_000,
    "entries": 300,
    "breaks": 5,  # of each way to break the database
    "breaks_households": 10_000,
    "breaks_seconds": 15,
    "disk_fillings": 20,
    "writers": 8,
    "year_households": 3_000,
    "writers_seconds": 600,
}
RIGHTS = ("tests/web/test_rights.py", "tests/api/test_rights.py")
Proof = Callable[[Mapping[str, int]], str]


# --- proofs that are tests at another size ---
def tested(profile: str, *selection: str, timeout: int) -> str:
    """Run tests with the long profile; return pytest's last line, or raise with what it said."""
    command = [sys.executable, "-m", "pytest", *selection, "-q", "-p", "no:cacheprovider", f"--timeout={timeout}"]
    done = subprocess.run(command, env={**os.environ, "HYPOTHESIS_PROFILE": profile}, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stdout[-3000:])
    return done.stdout.strip().splitlines()[-1]


def machine_against_oracle(_: Mapping[str, int]) -> str:
    """The stateful tests of machine and rights with the long profile of Hypothesis."""
    return tested("prove", "tests/unit/test_machine_stateful.py", timeout=3600)


def api_against_its_document(engine: str) -> Proof:
    """Schemathesis with hundreds of requests to every operation of the API."""
    return lambda _: tested("prove", "tests/api/test_fuzz.py", "-k", engine, timeout=7200)


def every_test(_: Mapping[str, int]) -> str:
    """All tests, on both engines, also those that take minutes."""
    return tested("ci", "tests", "-n", "3", timeout=1800)


def every_door(_: Mapping[str, int]) -> str:
    """Every route of pages and API, each role, and what belongs to others: nothing is shown or done."""
    return tested("ci", "tests/web/test_every_door.py", *RIGHTS, timeout=1800)


# --- proofs of their own ---
def raced_pairs(engine: str) -> Proof:
    """Two acts at the same instant at every step of a case, from two processes."""

    def proof(sizes: Mapping[str, int]) -> str:
        with world(engine) as one:
            return races.prove(one, pairs=sizes["pairs"], chance=random.Random(engine))

    return proof


def identical_approvals(engine: str) -> Proof:
    """Thousands of identical approvals at once make one move."""

    def proof(sizes: Mapping[str, int]) -> str:
        clerks = sizes["clerks"]
        with world(engine) as one:
            answers = race_of_approvals(one, clerks)
        if answers != {"moved": 1, "stale": clerks - 1}:
            raise AssertionError(answers)
        return f"{clerks} clicks: 1 move, {clerks - 1} clean refusals"

    return proof


def killed_schedulers(engine: str) -> Proof:
    """Schedulers killed again and again: each timer works exactly once."""

    def proof(sizes: Mapping[str, int]) -> str:
        crew = sizes[f"schedulers_{engine}"]
        with world(engine) as one:
            timers, killed = sizes["timers"], sizes["kills"]
            figures = kills.prove(one, timers=timers, schedulers=crew, kills=killed, chance=random.Random(1))
        return (
            f"{figures.timers} timers, {crew} schedulers, {figures.kills} × kill -9,"
            f" {figures.seconds:.0f} s: each lapsed and escalated once, each message arrived once, every chain whole"
        )

    return proof


def broken_database(sizes: Mapping[str, int]) -> str:
    """PostgreSQL killed and restarted under the web."""
    return killed_database.prove(
        rounds=sizes["breaks"], households=sizes["breaks_households"], seconds=sizes["breaks_seconds"]
    )


def busy_sqlite(sizes: Mapping[str, int]) -> str:
    """Many writers on one file."""
    with world("sqlite") as one:
        return writers.prove(one, writers=sizes["writers"], seconds=sizes["writers_seconds"])


def chain_edits(sizes: Mapping[str, int]) -> str:
    """Random edits of one character of a real chain are all found."""
    walker, chance, missed = included(), random.Random(2), 0
    chain, head = walker.chains[walker.case.number], walker.case.head
    for _ in range(sizes["edits"]):
        at = chance.randrange(len(chain))
        text = chain[at]
        place = chance.randrange(len(text))
        other = chr((ord(text[place]) + 1 + chance.randrange(90)) % 0x3000)
        edited = [*chain[:at], text[:place] + other + text[place + 1 :], *chain[at + 1 :]]
        missed += not check_chain(walker.case.number, edited, head, len(chain))
    if missed:
        raise AssertionError(f"{missed} edits were not found")
    return f"{sizes['edits']} edits of one character, all found"


def printed_bytes(sizes: Mapping[str, int]) -> str:
    """A long trail is printed and its bytes are compared on verification."""
    text = trail_of(sizes["entries"], included())
    begun = time.perf_counter()
    pdf = render_trail(text)
    printed = time.perf_counter() - begun
    verdict = verify_pdf(pdf, anchor=None)
    if verdict.code != 3:
        raise AssertionError(verdict.sentences("en"))
    return f"{sizes['entries']} entries printed in {printed:.1f} s; verified: consistent, not anchored"


PROOFS: dict[str, Proof] = {
    "a county's year of duties": lambda sizes: county_year.prove(sizes["year_households"]),
    "machine and rights against the oracle": machine_against_oracle,
    "edits of a chain": chain_edits,
    "ends by two calculations": lambda sizes: counting.prove(cases=sizes["periods"], seed=5),
    "printed bytes": printed_bytes,
    "same journal, same bytes": lambda sizes: same_bytes.prove(renders=sizes["renders"], entries=30),
    "edits of a print": lambda sizes: edited_prints.prove(edits=sizes["edits"], entries=30, chance=random.Random(11)),
    "QR symbols from bad scans": lambda sizes: scanned_codes.prove(scans=sizes["scans"], chance=random.Random(12)),
    "two verifiers": lambda sizes: agreeing.prove(edits=sizes["edits"], clean=sizes["edits"], chance=random.Random(13)),
    "every test on both engines": every_test,
    "every route, role and foreign object": every_door,
    **{f"the API against its document, {engine}": api_against_its_document(engine) for engine in ENGINES},
    **{f"identical approvals, {engine}": identical_approvals(engine) for engine in ENGINES},
    **{f"raced pairs, {engine}": raced_pairs(engine) for engine in ENGINES},
    **{f"killed schedulers, {engine}": killed_schedulers(engine) for engine in ENGINES},
    "killed database, postgresql": broken_database,
    "full disk, sqlite": lambda sizes: full_disk.prove_sqlite(steps=sizes["disk_fillings"]),
    "full disk, postgresql": lambda sizes: full_disk.prove_postgresql(steps=sizes["disk_fillings"]),
    "writers at once, sqlite": busy_sqlite,
}


# --- the run ---
def chosen(words: list[str]) -> dict[str, Proof]:
    """Return the proofs whose name holds one of the words; all without words. Ends the program when none does."""
    found = {name: proof for name, proof in PROOFS.items() if not words or any(word in name for word in words)}
    if not found:
        raise SystemExit(f"no proof is named like {', '.join(words)}; --list names them all")
    return found


def sizes_of(words: list[str]) -> dict[str, int]:
    """Return the sizes with those that were set; ends the program at an unknown one."""
    given = {name: int(value) for name, value in (word.split("=") for word in words)}
    if given.keys() - SIZES.keys():
        raise SystemExit(f"sizes are {', '.join(SIZES)}")
    return {**SIZES, **given}


def table(begun_at: datetime, set_sizes: list[str]) -> list[str]:
    """Return the head of the table."""
    sizes = [f"Sizes set by hand: {', '.join(set_sizes)}", ""] if set_sizes else []
    head = ["| proof | seconds | result |", "|---|---|---|"]
    return [f"# Proofs {begun_at:%Y-%m-%d %H:%M} UTC", "", machine(), "", *sizes, *head]


def main() -> int:
    """Run the proofs, print the table and keep it; 1 when one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description=__doc__)
    parser.add_argument("words", nargs="*", help="part of a name, or size=number")
    parser.add_argument("--list", action="store_true", help="name the proofs and the sizes")
    given = parser.parse_args()
    if given.list:
        sizes = (f"{name}={size}" for name, size in SIZES.items())
        sys.stdout.write("\n".join([*PROOFS, "", *sizes, ""]))
        return 0
    set_sizes = [word for word in given.words if re.fullmatch(r"[a-z_]+=[0-9]+", word)]
    proofs, sizes_now = chosen([word for word in given.words if word not in set_sizes]), sizes_of(set_sizes)
    begun_at = datetime.now(UTC)
    FIGURES.mkdir(parents=True, exist_ok=True)
    # A part of the proofs does not overwrite the table of all of them.
    kept = FIGURES / f"prove-{begun_at:%Y-%m-%d{'-%H%M%S' if given.words else ''}}.md"
    lines, failed = table(begun_at, set_sizes), False
    for name, proof in proofs.items():
        begun = time.perf_counter()
        try:
            result = proof(sizes_now)
        except Exception as error:  # noqa: BLE001 - whatever it was, the other proofs are still run
            result, failed = f"FAILED: {type(error).__name__}: {error}", True
        lines.append(f"| {name} | {time.perf_counter() - begun:.0f} | {' '.join(result.split())} |")
        sys.stdout.write(lines[-1] + "\n")
        sys.stdout.flush()
        kept.write_text("\n".join(lines) + "\n", encoding="utf-8")
    postgres.stop()
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
