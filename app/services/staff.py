"""Staff from a sheet and out again: all rows or none, repeatable; known accounts change only when that is confirmed.

The rules of accounts and offices are those of ``people``: the plan holds each row against them so that a wrong one can
be named, and whoever carries it out asks them again.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime

from app.labels import Speech
from app.roster.records import RowError
from app.runtime import runtime
from app.services import mails, people, staff_words
from app.services.mail_addresses import put_for
from app.services.offices import NewUser, put_users
from app.services.staff_places import Places
from app.services.staff_plan import Differing, Fresh, Plan, plan_of
from app.services.staff_sheet import EXPORTED, FIELDS, MOST_ROWS, Sheet, last_day, read_sheet, role_names
from app.store import ledger
from app.store import staff as store
from app.store.transaction import reading, writing
from app.tables import Appointment, User
from workflows.clock import local_date
from workflows.errors import NotAllowed, Refused
from workflows.journal import canonical
from workflows.model import Actor

# Without the signs that people mistake for one another; three groups of four are about 59 bits.
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
GROUPS, SIGNS = 3, 4
PAGE = 500
HASHERS = 2  # argon2 leaves Python's lock while it works
# A password takes some 30 ms of a core, and a page must answer within two minutes on a busy machine too.
MOST_ONLINE = 500


@dataclass(frozen=True)
class FirstPassword:
    """The password with which somebody logs in for the first time; it is told once and kept nowhere."""

    name: str
    username: str
    password: str


@dataclass(frozen=True)
class Imported:
    """What an import of staff did, or would do; with errors it did nothing."""

    ignored: tuple[str, ...] = ()
    errors: tuple[RowError, ...] = ()
    added: tuple[Fresh, ...] = ()
    unchanged: int = 0
    differences: tuple[Differing, ...] = ()
    confirmation: str = ""
    is_applied: bool = False
    changed: int = 0


HandOut = Callable[[Sequence[FirstPassword]], None]


def counties_of(actor: Actor) -> tuple[str, ...]:
    """Return the counties that a person administers; raise NotAllowed for anybody else."""
    found = tuple(sorted({o.area[:6] for o in actor.offices if o.role == "admin"}))
    if not found:
        raise NotAllowed(page="accounts")
    return found


def import_staff(
    actor: Actor,
    *,
    data: bytes,
    hand_out: HandOut,
    confirm: str = "",
    dry_run: bool = False,
    most: int = MOST_ROWS,
) -> Imported:
    """Take a sheet of staff into the administrator's counties.

    Without a mail server no address is taken, and the column counts as ignored.
    ``confirm`` is the code of differences shown before: they are carried out too, if they are still the same.
    ``hand_out`` is given the first passwords of new accounts before anything is final; when it raises, nothing was
    done. At most ``most`` accounts are opened. Raises NotAllowed. All that is wrong stands row by row in ``errors``.
    """
    counties = counties_of(actor)
    with reading() as now:
        sheet = read_sheet(data, today=local_date(now), roles=_roles())
        plan = plan_of(actor, sheet, counties, now)
    ignored = _ignored(sheet)
    if len(plan.fresh) > most:
        plan.errors.insert(0, staff_words.fault(0, "", "too_many_new", what=str(most)))
    code = _code(plan.differences)
    if confirm and confirm != code:
        plan.errors.insert(0, staff_words.fault(0, "", "differences_changed", what=code or "-"))
    if plan.errors or dry_run:
        return _told(ignored, plan, code)
    steps = plan.steps if confirm else []
    if plan.fresh or steps:
        try:
            _carry_out(actor, plan, bool(confirm), hashlib.sha256(data).hexdigest(), hand_out)
        except Refused:
            plan.errors.append(staff_words.fault(0, "", "staff_raced"))
            return _told(ignored, plan, code)
    return _told(ignored, plan, code, is_applied=True, changed=len(plan.differences) if confirm else 0)


def _ignored(sheet: Sheet) -> tuple[str, ...]:
    has_mail = any(entry.mail for entry in sheet.entries)
    return (*sheet.ignored, sheet.heading("mail")) if has_mail and not mails.is_on() else sheet.ignored


def _roles() -> dict[str, str]:
    """What roles are or were called in any place: a sheet filled in last year is still read."""
    layers = [runtime().lexicon.under(pack) for pack in runtime().rules.packs.values()]
    return role_names(lambda role, lang: {text for terms in layers for text in terms.texts(f"role.{role}", lang)})


def _code(differences: Sequence[Differing]) -> str:
    """The code by which a person confirms just these differences; empty when there are none."""
    told = sorted(canonical(one.as_json()) for one in differences)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:8] if told else ""


def _told(ignored: tuple[str, ...], plan: Plan, code: str, *, is_applied: bool = False, changed: int = 0) -> Imported:
    if plan.errors:
        return Imported(ignored, tuple(plan.errors))
    found = tuple(plan.differences)
    return Imported(ignored, (), tuple(plan.fresh), plan.unchanged, found, code, is_applied, changed)


# --- carrying out ---
def new_password() -> str:
    """Return a password that nobody has chosen, fit to be read out."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(SIGNS)) for _ in range(GROUPS))


def _carry_out(actor: Actor, plan: Plan, changes: bool, file: str, hand_out: HandOut) -> None:
    """Do it in one transaction; passwords are hashed before, as that takes longest."""
    told = [FirstPassword(fresh.name, fresh.username, new_password()) for fresh in plan.fresh]
    with ThreadPoolExecutor(HASHERS) as pool:
        hashed = list(pool.map(people.hasher().hash, [one.password for one in told]))
    with writing() as now:
        _open(actor, plan.fresh, hashed, now)
        for step in plan.steps if changes else ():
            step(by=actor.id, now=now)
        _note(actor, plan, changes, file, now)
        if told:
            hand_out(told)


def _open(actor: Actor, fresh: Sequence[Fresh], hashed: Sequence[str], now: datetime) -> None:
    news = [
        NewUser(one.username, one.name, hash_, one.county, one.terms, one.id_number or None)
        for one, hash_ in zip(fresh, hashed, strict=True)
    ]
    put_users(news, by=actor.id, now=now)
    for one in fresh:
        if one.mail:
            put_for(one.username, one.mail, by=actor.id, now=now)


def _note(actor: Actor, plan: Plan, changes: bool, file: str, now: datetime) -> None:
    """One line for each county kept, beside those of each account."""
    for county in counties_of(actor):
        added = sum(fresh.county == county for fresh in plan.fresh)
        detail = {"file": file, "added": added, "changed": len(plan.differences) if changes else 0}
        ledger.append(county, user=actor.id, kind="staff_imported", subject=county, now=now, detail=detail)


# --- out again ---
def export_staff(actor: Actor) -> Iterator[list[str]]:
    """Yield the staff of the administrator's counties in the layout of the import, headings first.

    One row an office; ID numbers are kept as digests only and addresses are their owners', so both columns are empty,
    which an import takes as saying nothing. Raises NotAllowed before the first row.
    """
    counties = counties_of(actor)
    with writing() as now:
        for county in counties:
            ledger.append(county, user=actor.id, kind="staff_exported", subject=county, now=now, detail={})
    return _rows(counties, local_date(now))


def _rows(counties: Sequence[str], today: date) -> Iterator[list[str]]:
    yield [FIELDS[name][0] for name in EXPORTED]
    with reading():
        places = Places(counties)
    after = ""
    while True:
        with reading():
            users = store.active_users(counties, after=after, limit=PAGE)
            terms = store.terms([int(user.id) for user in users], today.isoformat())
        if not users:
            return
        held: dict[int, list[Appointment]] = {}
        for term in terms:
            if term.area[:6] in counties:
                held.setdefault(int(term.user_id), []).append(term)
        for user in users:
            for one in held.get(int(user.id), [None]):
                yield _row(user, one, places, today)
        after = users[-1].username


def _row(user: User, term: Appointment | None, places: Places, today: date) -> list[str]:
    cells = {"name": user.name, "username": user.username}
    if term:
        label = Speech("zh", today, term.area).role(term.role)
        cells |= {"role": label, "area_code": term.area, "place": places.path(term.area), "begins": term.begins}
        cells["ends"] = last_day(term.ends or "")
    return [cells.get(name, "") for name in EXPORTED]
