"""What a sheet of staff comes to, held against the accounts there are: new accounts, changes, and what is wrong."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from app.roster.records import RowError
from app.roster.values import CellError
from app.runtime import runtime
from app.services import mails, offices, staff_words
from app.services.accounts import GIVEN
from app.services.differences import Change
from app.services.mail_addresses import masked, put_for
from app.services.offices import LOOKING_ON, UNKNOWN, Term
from app.services.staff_places import Places
from app.services.staff_sheet import Entry, Sheet, last_day
from app.store import ledger
from app.store import people as people_store
from app.store import staff as store
from app.tables import Appointment, User
from workflows.clock import local_date
from workflows.model import Actor

Do = Callable[..., None]  # called with by= and now=, inside a writing transaction


@dataclass(frozen=True)
class Fresh:
    """An account to open."""

    row: int
    username: str
    name: str
    id_number: str = field(repr=False)
    terms: tuple[Term, ...]
    mail: str = field(repr=False)

    @property
    def county(self) -> str:
        """The county that keeps the account: that of its first office."""
        return self.terms[0].area[:6]


@dataclass(frozen=True)
class Differing:
    """An account that the sheet would change. Offices are written role@area, days are the last ones."""

    row: int
    username: str
    name: str
    changes: tuple[Change, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the form whose digest a person confirms; the row does not matter."""
        return {"account": self.username, "changes": [asdict(change) for change in self.changes]}


@dataclass
class Plan:
    """What is to be done, and what is wrong; with errors nothing may be done."""

    fresh: list[Fresh] = field(default_factory=list)
    differences: list[Differing] = field(default_factory=list)
    steps: list[Do] = field(default_factory=list)
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)


def plan_of(actor: Actor, sheet: Sheet, counties: Sequence[str], now: datetime) -> Plan:
    """Hold a sheet against the database; inside a reading transaction."""
    planner = _Planner(actor, sheet, Places(counties), _known(sheet.entries, now), local_date(now).isoformat())
    for group in planner.groups():
        planner.take(group)
    planner.plan.errors.extend(sheet.errors)
    planner.plan.errors.sort(key=lambda error: error.row)
    return planner.plan


# --- the accounts there are ---
@dataclass(frozen=True)
class _Known:
    by_name: Mapping[str, User]
    by_person: Mapping[str, Sequence[User]]
    terms: Mapping[tuple[int, str, str], Appointment]
    addresses: Mapping[int, str]


def _known(entries: Iterable[Entry], now: datetime) -> _Known:
    rows = list(entries)
    found = store.users(
        names=(people_store.canonical(e.username) for e in rows if e.username),
        people=(person_of(e.id_number) for e in rows if e.id_number),
    )
    by_person: dict[str, list[User]] = {}
    for user in found:
        by_person.setdefault(user.person, []).append(user)
    numbers = [int(user.id) for user in found]
    terms = {(int(t.user_id), t.role, t.area): t for t in store.terms(numbers, local_date(now).isoformat())}
    return _Known({user.username: user for user in found}, by_person, terms, store.addresses(numbers))


def person_of(id_number: str) -> str:
    """Return the key by which a human being is known."""
    return runtime().keys.person_key(id_number)


class _WrongRow(Exception):
    """A row cannot be taken: the column, the code of ``staff_words``, and what its sentence names."""

    def __init__(self, entry: Entry, column: str, code: str, *, value: str = "", what: str = "") -> None:
        super().__init__(code)
        self.entry, self.column, self.code, self.value, self.what = entry, column, code, value, what


@dataclass
class _Planner:
    actor: Actor
    sheet: Sheet
    places: Places
    known: _Known
    today: str
    plan: Plan = field(default_factory=Plan)
    owner_of: dict[str, tuple[str, int]] = field(default_factory=dict)  # person → log-in name and row in the sheet

    def groups(self) -> list[list[Entry]]:
        """The rows of each account, in the order of the sheet; rows that name no account are wrong."""
        found: dict[str, list[Entry]] = {}
        for entry in self.sheet.entries:
            try:
                found.setdefault(self._username(entry), []).append(entry)
            except _WrongRow as wrong:
                self._blame(wrong)
        return list(found.values())

    def take(self, group: list[Entry]) -> None:
        """Hold the rows of one account against it."""
        try:
            user = self.known.by_name.get(self._username(group[0]))
            self._ensure_same(group, user)
            terms = self._terms(group)
            if user is None:
                self.plan.fresh.append(self._fresh(group, terms))
            else:
                self._differences(user, group, terms)
        except _WrongRow as wrong:
            self._blame(wrong)

    def _blame(self, wrong: _WrongRow) -> None:
        heading = self.sheet.heading(wrong.column)
        self.plan.errors.append(
            staff_words.fault(wrong.entry.row, heading, wrong.code, value=wrong.value, what=wrong.what)
        )

    # Who it is

    def _username(self, entry: Entry) -> str:
        """The log-in name; without one the account of the person with that ID number."""
        if entry.username:
            name = people_store.canonical(entry.username)
            return self._ensure_usable(entry, self.known.by_name.get(name), name)
        found = [user for user in self._of_person(entry) if user.active]
        if len(found) != 1:
            raise _WrongRow(entry, "username", "username_several" if found else "username_missing")
        return str(found[0].username)

    def _ensure_usable(self, entry: Entry, user: User | None, name: str) -> str:
        if user and user.county not in self.places.counties:
            raise _WrongRow(entry, "username", "username_taken", value=name[:20])
        if user and not user.active:
            raise _WrongRow(entry, "username", "account_disabled", value=name[:20])
        return name

    def _of_person(self, entry: Entry) -> list[User]:
        """The accounts of a person in the counties kept; others are nobody's business here."""
        found = self.known.by_person.get(person_of(entry.id_number), ()) if entry.id_number else ()
        return [user for user in found if user.county in self.places.counties]

    def _ensure_same(self, group: list[Entry], user: User | None) -> None:
        """All rows of an account speak of one person, and of that account's."""
        first = group[0]
        number = next((e for e in group if e.id_number), None)
        for entry in group:
            if entry.name != first.name:
                self._conflict(entry, "name", first)
            if number and entry.id_number not in ("", number.id_number):
                self._conflict(entry, "id", number)
        if number:
            self._ensure_own_number(number, user)

    def _conflict(self, entry: Entry, column: str, other: Entry) -> None:
        # The sentence names the column, which ``fault`` fills in from the heading.
        raise _WrongRow(entry, column, "account_conflict", what=str(other.row))

    def _ensure_own_number(self, entry: Entry, user: User | None) -> None:
        person, name = person_of(entry.id_number), self._username(entry)
        owner, row = self.owner_of.setdefault(person, (name, entry.row))
        if owner != name:
            raise _WrongRow(entry, "id", "id_twice", value=entry.id_masked, what=str(row))
        if user and not user.person.startswith(UNKNOWN) and user.person != person:
            raise _WrongRow(entry, "id", "id_other", value=entry.id_masked)
        others = [one.username for one in self._of_person(entry) if one.username != name]
        if user is None and others:
            raise _WrongRow(entry, "id", "person_known", value=entry.id_masked, what=others[0])

    # Which offices

    def _terms(self, group: list[Entry]) -> list[tuple[Entry, Term]]:
        terms: dict[tuple[str, str], tuple[Entry, Term]] = {}
        for entry in group:
            if not entry.role:
                continue
            term = Term(entry.role, self._area(entry), entry.begins, entry.ends or "")
            first = terms.setdefault((term.role, term.area), (entry, term))
            if first[0] is not entry:
                raise _WrongRow(entry, "role", "office_twice", what=str(first[0].row))
        return list(terms.values())

    def _area(self, entry: Entry) -> str:
        if entry.role not in GIVEN:
            raise _WrongRow(entry, "role", "role_not_given")
        try:
            return self.places.find(entry.role, code=entry.code, parts=entry.parts)
        except CellError as error:
            raise _WrongRow(entry, entry.column, error.code, value=error.value, what=error.what) from None

    def _is_past(self, term: Term) -> bool:
        return bool(term.ends) and term.ends <= self.today

    def _ensure_may_sign(self, entry: Entry, term: Term, person: str) -> None:
        if term.role in LOOKING_ON:
            return
        if not person or person.startswith(UNKNOWN):
            raise _WrongRow(entry, "id", "id_needed")
        if person == self.actor.person:
            raise _WrongRow(entry, "role", "oneself")

    # What comes of it

    def _fresh(self, group: list[Entry], terms: list[tuple[Entry, Term]]) -> Fresh:
        first = group[0]
        number = next((e.id_number for e in group if e.id_number), "")
        for entry, term in terms:
            if self._is_past(term):
                raise _WrongRow(entry, "ends", "period_past")
            self._ensure_may_sign(entry, term, person_of(number) if number else "")
        if not terms:
            raise _WrongRow(first, "role", "role_missing")
        only = tuple(term for _, term in terms)
        return Fresh(first.row, self._username(first), first.name, number, only, self._mail(group))

    def _mail(self, group: list[Entry]) -> str:
        """Addresses are of no use where no mail is sent."""
        return next((e.mail for e in group if e.mail), "") if mails.is_on() else ""

    def _differences(self, user: User, group: list[Entry], terms: list[tuple[Entry, Term]]) -> None:
        found = [*self._of_account(user, group), *(pair for e, t in terms for pair in self._of_term(user, group, e, t))]
        if not found:
            self.plan.unchanged += 1
            return
        changes = tuple(change for change, _ in found)
        self.plan.differences.append(Differing(group[0].row, user.username, user.name, changes))
        self.plan.steps += [step for _, step in found]

    def _of_account(self, user: User, group: list[Entry]) -> list[tuple[Change, Do]]:
        name, number = group[0].name, next((e for e in group if e.id_number), None)
        found: list[tuple[Change, Do]] = []
        if name != user.name:
            found.append((Change("name", user.name, name), partial(_rename, user.username, name)))
        if number and user.person.startswith(UNKNOWN):
            step = partial(_tie, user.username, number.id_number)
            found.append((Change("id_number", "", number.id_masked), step))
        mail, before = self._mail(group), self.known.addresses.get(int(user.id), "")
        if mail and mail != before:
            found.append((Change("mail", masked(before), masked(mail)), partial(put_for, user.username, mail)))
        return found

    def _of_term(self, user: User, group: list[Entry], entry: Entry, term: Term) -> list[tuple[Change, Do]]:
        held = self.known.terms.get((int(user.id), term.role, term.area))
        if held is None:
            return [] if self._is_past(term) else [self._given(user, group, entry, term)]
        if self._is_past(term) and held.begins <= self.today:
            return [self._ended(user, entry, term)]
        begins = term.begins if term.begins and held.begins > self.today else held.begins
        ends = term.ends if entry.ends is not None else (held.ends or "")
        if (begins, ends) == (held.begins, held.ends or ""):
            return []
        change = Change("period", _period(term, held.begins, held.ends or ""), _period(term, begins, ends))
        return [(change, partial(_set_period, int(held.id), begins, ends))]

    def _given(self, user: User, group: list[Entry], entry: Entry, term: Term) -> tuple[Change, Do]:
        number = next((e.id_number for e in group if e.id_number), "")
        self._ensure_may_sign(entry, term, person_of(number) if number else user.person)
        change = Change("office", "", f"{term.role}@{term.area}")
        return change, partial(offices.put_office, user.username, term)

    def _ended(self, user: User, entry: Entry, term: Term) -> tuple[Change, Do]:
        if term.role == "admin" and self.actor.id == f"u{user.id}":
            raise _WrongRow(entry, "ends", "oneself")
        step = partial(offices.close_office, user.username, term.role, term.area)
        return Change("office", f"{term.role}@{term.area}", ""), step


def _period(term: Term, begins: str, ends: str) -> str:
    return f"{term.role}@{term.area} {begins}/{last_day(ends)}"


# --- changes that only a sheet makes; each stands in the access ledger ---
def _rename(username: str, name: str, *, by: str, now: datetime) -> None:
    user = offices.named(username)
    user.name = name
    _note(user, "name", by, now)


def _tie(username: str, id_number: str, *, by: str, now: datetime) -> None:
    user = offices.named(username)
    offices.tie(user, "", id_number, now)
    _note(user, "id_number", by, now)


def _set_period(number: int, begins: str, ends: str, *, by: str, now: datetime) -> None:
    term = store.term(number)
    term.begins, term.ends = begins, ends or None
    detail = {"role": term.role, "area": term.area, "from": begins, "until": last_day(ends)}
    ledger.append(term.area[:6], user=by, kind="office_changed", subject=f"u{term.user_id}", now=now, detail=detail)


def _note(user: User, what: str, by: str, now: datetime) -> None:
    detail = {"fields": what}
    ledger.append(user.county, user=by, kind="user_changed", subject=f"u{user.id}", now=now, detail=detail)
