"""Trails prepared when a case changes, at low priority, so that a county's print is a merge.

How far it came stands in a small file a county: the time and number of the last move seen, and the last leaf. A move
that is committed late under an earlier time is passed over here, and met again when it is sealed. Nothing that came
before the first run is prepared. Nobody gets a print from here: it lies in the store until somebody may have it.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path

import structlog

from app.printing import Order, Pool, TrailOrder, order_for_store
from app.runtime import runtime
from app.services import print_store
from app.services.isolated import held, never
from app.store import bundles as store
from app.store.cases import household_of
from app.store.transaction import reading
from workflows.clock import utc_text
from workflows.errors import Refused
from workflows.leaves import LEDGER

MOST = 40  # cases looked at in a run, and as many leaves
SETTLED = timedelta(seconds=5)  # moves of one second come in any order: wait until it is past
LOWEST = 19  # priority of the process that typesets
log = structlog.stdlib.get_logger("preparing")


@dataclass(frozen=True)
class Seen:
    """How far a county's changes were seen."""

    at: str
    case: str
    leaf: int


def work(stop: Callable[[], bool] = never) -> dict[str, int]:
    """Prepare what has changed; return how many trails were set, and how many could not be."""
    tally = {"prepared": 0, "failed": 0}
    if not (print_store.is_on() and runtime().settings.prepare):
        return tally
    folder = runtime().settings.data / print_store.PRINTS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with held(folder / "preparing.lock") as is_mine:
        for county in _counties() if is_mine else ():
            if not stop():
                _prepare(county, tally, stop)
    return tally


def _counties() -> list[str]:
    with reading():
        return store.counties()


def _prepare(county: str, tally: dict[str, int], stop: Callable[[], bool]) -> None:
    path = runtime().settings.data / print_store.PRINTS / f"seen-{county}.json"
    seen, cases = _changed(county, _read(path, county))
    orders = dict[str, TrailOrder]()
    wanted = _wanted(cases, orders, stop)
    first = next(wanted, None)  # no process is started for nothing
    if first is not None:
        with Pool(1, nice=LOWEST) as pool:
            for printed in pool.run(_both(first, wanted)):
                key = orders[printed.order.name].key
                if printed.reason:
                    log.warning("trail_not_prepared", case=printed.order.name, reason=printed.reason)
                    tally["failed"] += 1
                    continue
                print_store.keep(key, printed.pdf)
                tally["prepared"] += 1
    if not stop():
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(seen)))
        fresh.replace(path)


def _both(first: Order, others: Iterator[Order]) -> Iterator[Order]:
    yield first
    yield from others


def _read(path: Path, county: str) -> Seen:
    """Return how far it came; at the first run, and when the file is broken, it begins at the present."""
    try:
        return Seen(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        with reading() as now:
            return Seen(utc_text(now), "", store.last_leaf(county))


def _changed(county: str, seen: Seen) -> tuple[Seen, list[str]]:
    """Return the next cases that moved or were sealed since, and how far that is."""
    with reading() as now:
        moved = store.changed_since(county, seen.at, seen.case, utc_text(now - SETTLED), MOST)
        leaves = store.sealed_since(county, seen.leaf, MOST)
    seen = replace(seen, at=moved[-1][0], case=moved[-1][1]) if moved else seen
    seen = replace(seen, leaf=leaves[-1][0]) if leaves else seen
    return seen, sorted({row[1] for row in (*moved, *leaves)} - {LEDGER})


def _wanted(cases: list[str], orders: dict[str, TrailOrder], stop: Callable[[], bool]) -> Iterator[Order]:
    """Yield orders for the trails that a bundle would print of these cases' households, unless they are kept."""
    with reading():
        chosen = store.trails_of({household_of(case) for case in cases})
    for case in chosen:
        if stop():
            return
        try:
            found = order_for_store(case)
        except Refused as refused:
            log.warning("trail_not_prepared", case=case, reason=refused.code)
            continue
        if print_store.find(found.key) is None:
            orders[case] = found
            yield found.order
