"""The same journal gives the same bytes: printed in many processes, on other days, with other seeds of the hashes."""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from reports.render import render_trail
from tests.bench.trails import trail_of
from tests.factories import included
from tests.prove.edited_prints import note_of
from tests.prove.sealed_prints import seal_of

ZONES = ("Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "UTC")
LANGUAGES = ("C", "C.UTF-8")
# The clock is put forward before anything of ours is loaded; whoever asked it for a date would print another one.
PROGRAM = """
import datetime, sys, time
days = int(sys.argv[2])
real = {name: getattr(time, name) for name in ("time", "time_ns", "gmtime", "localtime")}
time.time = lambda: real["time"]() + 86400 * days
time.time_ns = lambda: real["time_ns"]() + 86400 * 10**9 * days
time.gmtime = lambda at=None: real["gmtime"](time.time() if at is None else at)
time.localtime = lambda at=None: real["localtime"](time.time() if at is None else at)
class Moment(datetime.datetime):
    @classmethod
    def now(cls, tz=None): return cls.fromtimestamp(time.time(), tz)
    @classmethod
    def utcnow(cls): return cls.fromtimestamp(time.time(), datetime.timezone.utc).replace(tzinfo=None)
class Day(datetime.date):
    @classmethod
    def today(cls): return cls.fromtimestamp(time.time())
datetime.datetime, datetime.date = Moment, Day
assert (datetime.datetime.now() - datetime.datetime.fromtimestamp(real["time"]())).days in (days - 1, days)
import hashlib
from pathlib import Path
from reports.render import render_trail
from tests.prove.edited_prints import note_of
from tests.prove.sealed_prints import seal_of
text = Path(sys.argv[1]).read_text("utf-8")
print(hashlib.sha256(render_trail(text, seal_text=seal_of(text), seal=note_of)).hexdigest())
"""


def prove(*, renders: int, entries: int) -> str:
    """Print a trail again and again; raises AssertionError with the surroundings that gave other bytes."""
    text = trail_of(entries, included())
    expected = hashlib.sha256(render_trail(text, seal_text=seal_of(text), seal=note_of)).hexdigest()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trail.json"
        file.write_text(text, encoding="utf-8")
        for nth in range(renders):
            around = {
                "PYTHONHASHSEED": str(nth * 85_899_345 % 2**32),
                "TZ": ZONES[nth % len(ZONES)],
                "LC_ALL": LANGUAGES[nth % len(LANGUAGES)],
                **({"SOURCE_DATE_EPOCH": str(nth * 10_000_000)} if nth % 2 else {}),
            }
            days = nth * 37 if nth % 3 else 0
            found = printed_apart(file, days, around)
            if found != expected:
                raise AssertionError(f"render {nth}, {days} days on, {around}: {found} instead of {expected}")
    return f"{renders} renders of {entries} entries in as many processes, days and seeds: all {expected[:16]}…"


def printed_apart(file: Path, days: int, around: dict[str, str]) -> str:
    """The digest of a print made in a process of its own, so many days on."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(file), str(days)],
        env={**os.environ, **around}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise AssertionError(done.stderr[-1000:])
    return done.stdout.strip()
