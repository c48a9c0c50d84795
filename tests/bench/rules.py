"""Seconds to rehearse other rules over a county's running cases, and cases a second that are moved to them."""

import time
from dataclasses import dataclass
from pathlib import Path

from app.runtime import EXTENSION
from app.services import rule_runs
from app.store.schema import upgrade
from tests import postgres
from tests.bench import desk
from tests.bench.moves import opened
from tests.factories import PACKS
from workflows.registry import POLICIES, load_rules

COUNTY = "500241"
SHIPPED = (POLICIES / f"{COUNTY}-xiushan.toml").read_text(encoding="utf-8")
WHOLE = 'timer = "household_case.id_total"\nunit = "calendar_days"\namount = 15'
CHANGED = SHIPPED.replace(WHOLE, WHOLE.replace("calendar_days", "working_days")) + (
    '[[limits]]\ntimer = "household_case.county_review"\nunit = "working_days"\namount = 1\nbound = "max"\nown = true\n'
)


@dataclass(frozen=True)
class Timed:
    """How long a rehearsal took, of how many cases how many deadlines it moved, and the change itself."""

    cases: int
    seconds: float
    moved: int
    applied: int
    applying: float


def measure(engine: str, folder: Path, rows: int, applied: int) -> Timed:
    """Fill a county with copies, rehearse a pack that changes two limits; apply it in another one to real cases."""
    (folder / "packs").mkdir()
    (folder / "packs" / "changed.toml").write_text(CHANGED, encoding="utf-8")
    cases, seconds, moved = _rehearsed(_url(engine, folder / "copies.sqlite3"), folder, rows)
    done, applying = _applied(_url(engine, folder / "real.sqlite3"), folder, applied)
    return Timed(cases, seconds, moved, done, applying)


def _url(engine: str, path: Path) -> str:
    url = f"sqlite:///{path}" if engine == "sqlite" else postgres.new_database()
    upgrade(url)
    return url


def _rehearsed(url: str, folder: Path, rows: int) -> tuple[int, float, int]:
    with opened(url, folder) as world:
        desk.fill(world, rows)
        asked = rule_runs.ask_rehearsal(world.person("county_lead"), COUNTY, packs=[CHANGED])
        begun = time.perf_counter()
        shown = rule_runs.carry_out_now(asked, lambda _: None)
        seconds = time.perf_counter() - begun
        moved = sum(row.get("earlier", 0) + row.get("later", 0) for row in shown.result["deadlines"])
        return shown.result["cases"], seconds, moved


def _applied(url: str, folder: Path, rows: int) -> tuple[int, float]:
    with opened(url, folder) as world:
        for serial in range(1, rows + 1):
            world.walker(serial).clue()
        lead = world.person("county_lead")
        world.app.extensions[EXTENSION].rules = load_rules(PACKS, folder / "packs")
        shown = rule_runs.carry_out_now(rule_runs.ask_rehearsal(lead, COUNTY), lambda _: None)
        asked = rule_runs.ask_change(lead, shown.id, reason="测速")
        begun = time.perf_counter()
        done = rule_runs.carry_out_now(asked, lambda _: None)
        return done.result["moved"], time.perf_counter() - begun
