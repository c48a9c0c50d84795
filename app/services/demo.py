"""The demo: two counties with sample rosters, accounts, a year of one township, all made by the real services."""

import heapq
import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from flask import Flask

from app import disk
from app.config import Settings
from app.idnumber import make_synthetic
from app.services import (
    areas,
    check,
    demo_duties,
    demo_office,
    demo_roster,
    duties,
    duty_reminders,
    grids,
    people,
    setup,
    story,
    upkeep,
)
from app.services.deliver import deliver
from app.services.demo_year import FULL, LEAST, YEAR, Account, Grid, Year, villages
from app.services.households import import_households
from app.services.setup import Factory, close
from app.services.sweep import sweep
from app.store import schema
from app.store import settings as stored
from app.store.people import user_by_name
from app.store.transaction import reading, writing
from app.tables import db
from workflows.clock import CHINA, local_date
from workflows.model import LEVEL_DIGITS, Actor

__all__ = [
    "FULL", "LEAST", "Account", "NotDemo", "accounts", "is_there", "make", "password", "size", "village_account",
]  # fmt: skip

DATA = Path(__file__).parents[1] / "data"
ACCOUNTS = DATA / "demo" / "accounts.toml"
STORIES = DATA / "demo" / "households.toml"
MARK, VERSION = "demo", "2"
BEFORE = 440  # days from the setting up to today
OFFICES_FROM = -427  # with rounds every four weeks the last one is a week ago
BIRTH, MOST_SERIAL = date(1980, 1, 1), 499

EXAMPLE = "xs-206-village1"
NIGHT, MORNING, EVENING = time(0, 1), time(9), time(19)

Progress = Callable[[int], None]


class NotDemo(RuntimeError):
    """The folder holds an installation that is none of the demo's."""


@dataclass
class Clock:
    """The clock by which the demo's history is made; it only goes on."""

    now: datetime

    def __call__(self) -> datetime:
        """Return the moment of the history."""
        return self.now


def accounts() -> list[Account]:
    """Return the named accounts, the administrator of both counties last; those of the year's villages come on top."""
    table = read(ACCOUNTS)
    first = table["administrator"]
    administrator = Account(first["username"], first["name"], "admin", first["shown_area"])
    return [*(Account(**row) for row in table["accounts"]), administrator]


def village_account() -> str:
    """Return the user name of one of the year's village accounts, or an empty text when there is no year."""
    with reading():
        return EXAMPLE if user_by_name(EXAMPLE) else ""


def password() -> str:
    """Return the password of every demo account."""
    return str(read(ACCOUNTS)["password"])


def read(path: Path) -> dict[str, Any]:
    """Read one of the demo's files."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def is_there(settings: Settings, make_app: Factory) -> bool:
    """Tell whether the demo was made here and bring its schema up to date; raises NotDemo for another installation."""
    if not settings.secrets_file.exists():
        if settings.data.exists() and any(settings.data.iterdir()):
            raise NotDemo(str(settings.data))
        return False
    app = make_app(settings)
    with app.app_context():
        try:
            schema.upgrade(db.engine)
            with reading():
                mark = stored.read(MARK)
        finally:
            close(app)
    if mark is None:
        raise NotDemo(str(settings.data))
    return True


def size() -> int:
    """Return how many days the history has: so many steps of progress there are."""
    return BEFORE


def make(settings: Settings, *, make_app: Factory, now: datetime, progress: Progress, households: int = FULL) -> None:
    """Make the demo as if its history had happened up to ``now``, with a year of so many households (0: without).

    On SQLite it grows in a folder beside and moves in when whole, so that a start that broke off leaves nothing.
    """
    own = settings.database_url == f"sqlite:///{settings.data / 'fangpin.sqlite3'}"
    if not own:
        _make_in(settings, make_app, now, progress, households)
        return
    building = settings.data.with_name(f"{settings.data.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    beside = replace(settings, data=building, database_url=f"sqlite:///{building / 'fangpin.sqlite3'}")
    with disk.without_waiting():
        _make_in(beside, make_app, now, progress, households)
    disk.settle_all()
    if settings.data.exists():
        settings.data.rmdir()
    building.rename(settings.data)


def _make_in(settings: Settings, make_app: Factory, now: datetime, progress: Progress, households: int) -> None:
    clock = Clock(now - timedelta(days=BEFORE))

    def make_timed(chosen: Settings, **more: Any) -> Flask:
        return make_app(chosen, clock=clock, **more)

    table = read(ACCOUNTS)
    first = table["administrator"]
    number = _id_number(len(table["accounts"]))
    request = setup.Request(table["counties"], first["username"], first["name"], table["password"], number)
    setup.set_up(settings, request, make_app=make_timed)
    app = make_timed(settings)
    with app.app_context():
        try:
            year = _year(households, local_date(now))
            _fill(table, year)
            Teller(clock, now, progress).tell(read(STORIES), year)
            demo_office.be_away(table["absences"])
            demo_office.say_why(table["reasons"])
            _check()
            with writing():
                stored.write(MARK, VERSION)
        finally:
            close(app)


def _year(households: int, today: date) -> Year | None:
    table = read(YEAR)
    return Year(table, households, today, villages(table["township"])) if households else None


def _check() -> None:
    """Make the nightly check once: its history is long, and health would miss it until the first night."""
    found: list[check.Damage] = []
    tally = check.check(check.counties(), report=found.append)
    upkeep.beat(upkeep.CHECK, asdict(tally))


def _fill(table: Mapping[str, Any], year: Year | None) -> None:
    """Add grids, accounts and households; each household comes into the grid of its group."""
    own = [Grid(**row) for row in table["grids"]]
    known = {grid.code for grid in own}
    everywhere = [*own, *(grid for grid in (year.grids() if year else ()) if grid.code not in known)]
    for grid in everywhere:
        areas.add_grid(grid.code, grid.name)
    administrator = people.actor_named(table["administrator"]["username"])
    _add_accounts(administrator, table, year)
    for county in table["counties"]:
        _import(administrator, (DATA / "samples" / f"roster-{county}.xlsx").read_bytes())
    if year:
        _import(administrator, demo_roster.workbook(year.houses))
    for grid in everywhere:
        if grid.groups:
            grids.assign(administrator, grid.code[: LEVEL_DIGITS["village"]], grid.code, groups=grid.groups)


def _import(administrator: Actor, data: bytes) -> None:
    done = import_households(administrator, data=data)
    if not done.is_applied:
        raise RuntimeError(f"a roster of the demo was not taken in: {done.errors[:3]}")


def _add_accounts(administrator: Actor, table: Mapping[str, Any], year: Year | None) -> None:
    rows = [Account(**row) for row in table["accounts"]]
    # One number between them is the administrator's own.
    numbered = [*enumerate(rows), *enumerate(year.accounts() if year else (), start=len(rows) + 1)]
    for order, account in numbered:
        people.add_user(
            username=account.username,
            name=account.name,
            password=table["password"],
            county=account.area[:6],
            offices=[(account.role, account.area)],
            id_number=_id_number(order),
            by=administrator.id,
        )


def _id_number(order: int) -> str:
    """Return the made-up number of an account; the rosters use lower serials, so nobody is their own case."""
    return make_synthetic(BIRTH, MOST_SERIAL - order, sex="male")


Queue = list[tuple[datetime, int, Iterator[datetime]]]


class Teller:
    """Plays all stories at once in the order of their days, and lets the clock's own acts happen in between."""

    def __init__(self, clock: Clock, end: datetime, progress: Progress) -> None:
        self.clock, self.end, self.progress = clock, end, progress
        self.last_act = moment(local_date(end), time(0))
        self.cast: list[Actor] = []

    def tell(self, table: Mapping[str, Any], year: Year | None) -> None:
        """Play every story up to the end; today nobody has acted yet, so that any hour of a day gives the same."""
        self.cast = [people.actor_named(account.username) for account in (*accounts(), *_accounts_of(year))]
        queue: Queue = []
        for index, acts in enumerate(self._threads(table, year)):
            self._go_on(queue, index, acts)
        while queue:
            when, index, acts = heapq.heappop(queue)
            self.go_to(when)
            self._go_on(queue, index, acts)
        self.go_to(self.end)
        sweep()
        deliver()

    def _threads(self, table: Mapping[str, Any], year: Year | None) -> Iterator[Iterator[datetime]]:
        for row in table["stories"]:
            yield story.Story(row["household"], row["legs"], table["roles"], table["values"], self).play()
        if year is None:
            return
        for told in year.stories(table, self):
            yield told.play()
            yield told.visits()
        yield demo_office.rounds(self, OFFICES_FROM, self.cast, year.table)
        places = [village.code for village in year.villages]
        yield demo_duties.rounds(self, OFFICES_FROM, self.cast, places, year.table["seed"])

    def _go_on(self, queue: Queue, index: int, acts: Iterator[datetime]) -> None:
        """Let a thread do what was due, and line up its next act unless that lies ahead of today."""
        when = next(acts, None)
        if when is not None and when < self.last_act:
            heapq.heappush(queue, (max(when, self.clock.now), index, acts))

    def go_to(self, when: datetime) -> None:
        """Let time pass: each day's messages go out in its evening, what falls due is noticed just after midnight."""
        while local_date(self.clock.now) < local_date(when):
            today = local_date(self.clock.now)
            self.clock.now = max(self.clock.now, moment(today, EVENING))
            duty_reminders.remind()
            deliver()
            self.clock.now = min(when, moment(today + timedelta(days=1), NIGHT))
            sweep()
            duties.make_due()
            deliver()
            self.progress(1)
        self.clock.now = max(when, self.clock.now)

    def day(self, offset: int) -> datetime:
        """Return nine in the morning, local time, some days from the end."""
        day = local_date(self.end) + timedelta(days=offset)
        return moment(day, MORNING)

    def actor(self, area: str, role: str, nth: int) -> Actor:
        """Return an account that holds a role over an area; of several the nth, going round."""
        holders = self._holders(area, role)
        return holders[nth % len(holders)]

    def _holders(self, area: str, role: str) -> Sequence[Actor]:
        return [a for a in self.cast if any(o.role == role and o.covers(area) for o in a.offices)]


def _accounts_of(year: Year | None) -> Iterator[Account]:
    if year:
        yield from year.accounts()


def moment(day: date, at: time) -> datetime:
    """Return an hour of a local day."""
    return datetime.combine(day, at, CHINA).astimezone(UTC)
