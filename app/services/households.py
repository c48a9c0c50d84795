"""Import of a roster: every household or none, repeatable without doubles, no identity number in clear anywhere.

A roster is read, sealed and held against the database part by part and laid aside; only then one short transaction
takes it all in. Differences from what is registered are changed only when a person confirms just these.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby

from app.roster import MAX_ERRORS, RowError
from app.roster.block import Rules
from app.roster.parse import Found, Seen, find_roster, read_roster
from app.roster.villages import Villages
from app.runtime import runtime
from app.services.areas import name_paths
from app.services.cases import loaded_rules
from app.services.differences import COMPARED, Difference
from app.services.openings import OPENERS, Openings, dossiers_of
from app.services.prepared import (
    HOUSEHOLD_COLUMNS,
    MEMBER_COLUMNS,
    Prepared,
    household_tuple,
    member_tuples,
    prepare,
    stored_details,
)
from app.services.roster_plan import Plan, fault, take
from app.services.spool import Spool
from app.store import duty_acts, ledger
from app.store import households as store
from app.store.bulk import Clash, insert_rows, refresh_statistics
from app.store.transaction import reading, writing
from app.tables import CaseRow, DeadlineRow, Household, Member
from workflows.clock import local_date, utc_text
from workflows.errors import WrongOffice
from workflows.model import Actor, Dossier, Office

IMPORTERS = ("county_lead", "township_officer", "admin")
WORKERS = 2
CHANGEABLE = (*COMPARED, "village", "township", "head_key")

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Imported:
    """What an import did, or would do; with errors it did nothing.

    ``confirmation`` is the code by which a person confirms these differences; ``differences`` shows the first thousand.
    """

    ignored: tuple[str, ...] = ()
    synthetic_count: int = 0
    errors: tuple[RowError, ...] = ()
    error_count: int = 0
    added: int = 0
    people: int = 0
    unchanged: int = 0
    differences: tuple[Difference, ...] = ()
    difference_count: int = 0
    confirmation: str = ""
    is_applied: bool = False
    changed: int = 0
    opened: int = 0


def import_households(
    actor: Actor,
    *,
    data: bytes,
    dry_run: bool = False,
    confirm: str = "",
    only: Collection[str] | None = None,
    openings: bool = False,
    progress: Progress | None = None,
    workers: int = WORKERS,
) -> Imported:
    """Take a roster (.xlsx) into the households of the actor's area.

    ``confirm`` is the code of differences shown before: they are applied too, if they are still the same, all or
    ``only`` those of some households. ``openings`` takes over the status of households without one here. ``progress``
    is told of rows read. Raises WrongOffice. Everything else that is wrong stands row by row in ``errors``, and then
    nothing was changed.
    """
    offices = ensure_importer(actor)
    if openings and not any(o.role in OPENERS for o in offices):
        raise WrongOffice(roles=list(OPENERS))
    with reading() as now:
        rules = Rules(Villages(_villages(offices)), local_date(now))
    found = find_roster(data)
    file = hashlib.sha256(data).hexdigest()
    with Spool() as spool:
        plan = Plan(Seen(found.header), spool, Openings(actor, now, file, openings))
        for part in read_roster(found, rules, partial(prepare, runtime().keys), workers=workers):
            take(plan, plan.seen.take(part))
            if progress:
                progress(part.row_count)
        _confirm(plan, found, confirm)
        if not dry_run and not plan.error_count:
            plan.blame_movers(_chosen(only) if confirm else ())
        if plan.error_count or dry_run:
            return _answer(plan, found, changed=None)
        try:
            with writing() as now:
                changed = _add(plan, chosen=_chosen(only) if confirm else (), now=now)
                _note(actor, plan, file, changed, now)
        except Clash:
            plan.blame([fault(0, "roster_raced", "")])
            return _answer(plan, found, changed=None)
        return _answer(plan, found, changed=changed)


def _chosen(only: Collection[str] | None) -> Collection[str] | None:
    return None if only is None else frozenset(only)


def _confirm(plan: Plan, found: Found, confirm: str) -> None:
    """Put the errors of the reading before those of the database, and hold the code against the differences."""
    told = plan.seen.told(found)
    plan.errors = sorted([*told, *plan.errors], key=lambda error: error.row)[:MAX_ERRORS]
    plan.error_count += plan.seen.count(found)
    plan.blame_movers(None)
    if confirm and confirm != plan.confirmation:
        plan.blame([fault(0, "differences_changed", plan.confirmation or "-")])


def ensure_importer(actor: Actor) -> tuple[Office, ...]:
    """Return the offices in which a person may import; a refusal (WrongOffice) is noted as one of any command is."""
    held = tuple(o for o in actor.offices if o.role in IMPORTERS)
    if held:
        return held
    with writing() as now:
        for county in sorted({o.area[:6] for o in actor.offices}):
            detail = {"action": "import_households", "code": WrongOffice.code}
            ledger.append(county, user=actor.id, kind="refused", subject="households", now=now, detail=detail)
    raise WrongOffice(roles=list(IMPORTERS))


def _villages(offices: Iterable[Office]) -> dict[str, str]:
    """The villages that these offices cover, as the roster reader takes them."""
    held = list(offices)
    known: dict[str, str] = {}
    for county in sorted({o.area[:6] for o in held}):
        paths = name_paths(county).items()
        known.update({path: code for path, code in paths if any(o.covers(code) for o in held)})
    return known


def _answer(plan: Plan, found: Found, *, changed: Sequence[str] | None) -> Imported:
    header = found.header
    told = Imported(
        ignored=header.ignored if header else (),
        synthetic_count=plan.seen.synthetic_count,
        errors=tuple(plan.errors),
        error_count=plan.error_count,
    )
    if plan.error_count:
        return told
    return replace(
        told,
        added=sum(plan.added.values()),
        people=plan.people,
        unchanged=plan.unchanged,
        differences=tuple(plan.differences),
        difference_count=plan.difference_count,
        confirmation=plan.confirmation,
        is_applied=changed is not None,
        changed=len(changed or ()),
        opened=plan.opened if changed is None else plan.openings.count,
    )


def _note(actor: Actor, plan: Plan, file: str, changed: Sequence[str], now: datetime) -> None:
    kept = plan.difference_count - len(changed)
    counts = {"file": file, "unchanged": plan.unchanged, "differences": kept, "opened": plan.openings.count}
    for county in sorted(plan.added or {number[:6] for number in plan.row_of}):
        detail = {**counts, "added": plan.added.get(county, 0)}
        ledger.append(county, user=actor.id, kind="households_imported", subject=county, now=now, detail=detail)
    for county in sorted({number[:6] for number in changed}):
        detail = {"file": file, "households": [number for number in changed if number.startswith(county)]}
        ledger.append(county, user=actor.id, kind="households_changed", subject=county, now=now, detail=detail)
        # Of another kind a household may owe other duties, and these no more.
        duty_acts.drop_left(loaded_rules(), county, [number for number in changed if number.startswith(county)], now)


# --- taking in ---
Rows = Sequence[tuple[str, str, Prepared]]  # number, area, household


def _add(plan: Plan, *, chosen: Collection[str] | None, now: datetime) -> list[str]:
    """Add what is new and change those that differ and are ``chosen`` (None: all); returns the numbers changed."""
    at = utc_text(now)
    numbers = {county: iter(store.take_numbers(county, count)) for county, count in sorted(plan.added.items())}
    changed = [number for number in plan.changing if chosen is None or number in chosen]
    # Whoever moves must have left before anybody comes.
    for county, group in groupby(sorted(changed), key=lambda number: number[:6]):
        store.remove_members(county, list(group))
    wanted = frozenset(changed)
    for batch in plan.spool.batches():
        fresh = [(next(numbers[one.county]), area, one) for known, area, one in batch if not known]
        other = [(known, area, one) for known, area, one in batch if known in wanted]
        insert_rows(Household, HOUSEHOLD_COLUMNS, (household_tuple(n, one, area, at) for n, area, one in fresh))
        _change(other)
        everybody = (*fresh, *other)
        insert_rows(Member, MEMBER_COLUMNS, (row for number, _, one in everybody for row in member_tuples(number, one)))
        _open(plan, fresh, other, now)
    refresh_statistics(Household, Member, CaseRow, DeadlineRow)
    return changed


def _change(rows: Rows) -> None:
    for number, area, one in rows:
        values = {name: getattr(one, name) for name in CHANGEABLE}
        store.change(one.county, number, {**values, "area": area, "details": json.loads(stored_details(one))})
    for county, group in groupby(sorted(number for number, _, _ in rows), key=lambda number: number[:6]):
        store.refile(county, list(group))


def _open(plan: Plan, fresh: Rows, other: Rows, now: datetime) -> None:
    """Enter the status of households that had none; those that are registered may have got one meanwhile."""
    plan.openings.now = now
    asked = [row for row in other if plan.openings.is_for(row[2])]
    dossiers: dict[str, Dossier] = {}
    for county, group in groupby(sorted(number for number, _, _ in asked), key=lambda number: number[:6]):
        dossiers |= dossiers_of(county, list(group))
    plan.openings.count += plan.openings.record([*fresh, *asked], dossiers)
