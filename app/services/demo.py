"""The demo: two counties with sample rosters, accounts, and households on their way, made by the real services."""

import heapq
import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from flask import Flask

from app.config import Settings
from app.idnumber import make_synthetic
from app.services import areas, check, grids, people, setup, story, upkeep
from app.services.deliver import deliver
from app.services.households import import_households
from app.services.setup import Factory, close
from app.services.sweep import sweep
from app.store import schema
from app.store import settings as stored
from app.store.transaction import reading, writing
from app.tables import db
from workflows.clock import CHINA, local_date
from workflows.model import LEVEL_DIGITS, Actor

DATA = Path(__file__).parents[1] / "data"
ACCOUNTS = DATA / "demo" / "accounts.toml"
STORIES = DATA / "demo" / "households.toml"
MARK, VERSION = "demo", "1"
BEFORE = timedelta(days=400)
BIRTH, MOST_SERIAL = date(1980, 1, 1), 499

Progress = Callable[[int], None]


class NotDemo(RuntimeError):
    """The folder holds an installation that is none of the demo's."""


@dataclass(frozen=True)
class Account:
    """One account of the demo."""

    username: str
    name: str
    role: str
    area: str


@dataclass
class Clock:
    """The clock by which the demo's history is made; it only goes on."""

    now: datetime

    def __call__(self) -> datetime:
        """Return the moment of the history."""
        return self.now


def accounts() -> list[Account]:
    """Return the demo's accounts, the administrator of both counties last."""
    table = read(ACCOUNTS)
    first = table["administrator"]
    administrator = Account(first["username"], first["name"], "admin", first["shown_area"])
    return [*(Account(**row) for row in table["accounts"]), administrator]


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
    """Return how many stories there are to tell."""
    return len(read(STORIES)["stories"])


def make(settings: Settings, *, make_app: Factory, now: datetime, progress: Progress) -> None:
    """Make the demo as if its history had happened up to ``now``.

    On SQLite it grows in a folder beside and moves in when whole, so that a start that broke off leaves nothing.
    """
    own = settings.database_url == f"sqlite:///{settings.data / 'fangpin.sqlite3'}"
    if not own:
        _make_in(settings, make_app, now, progress)
        return
    building = settings.data.with_name(f"{settings.data.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    beside = replace(settings, data=building, database_url=f"sqlite:///{building / 'fangpin.sqlite3'}")
    _make_in(beside, make_app, now, progress)
    if settings.data.exists():
        settings.data.rmdir()
    building.rename(settings.data)


def _make_in(settings: Settings, make_app: Factory, now: datetime, progress: Progress) -> None:
    clock = Clock(now - BEFORE)

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
            _fill(table)
            Teller(clock, now, progress).tell(read(STORIES))
            _check()
            with writing():
                stored.write(MARK, VERSION)
        finally:
            close(app)


def _check() -> None:
    """Make the nightly check once: its history is long, and health would miss it until the first night."""
    found: list[check.Damage] = []
    tally = check.check(check.counties(), report=found.append)
    upkeep.beat(upkeep.CHECK, asdict(tally))


def _fill(table: Mapping[str, Any]) -> None:
    for grid in table["grids"]:
        areas.add_grid(grid["code"], grid["name"])
    administrator = people.actor_named(table["administrator"]["username"])
    for order, row in enumerate(table["accounts"]):
        people.add_user(
            username=row["username"],
            name=row["name"],
            password=table["password"],
            county=row["area"][:6],
            offices=[(row["role"], row["area"])],
            id_number=_id_number(order),
            by=administrator.id,
        )
    for county in table["counties"]:
        import_households(administrator, data=(DATA / "samples" / f"roster-{county}.xlsx").read_bytes())
    for grid in table["grids"]:
        grids.assign(administrator, grid["code"][: LEVEL_DIGITS["village"]], grid["code"], groups=grid["groups"])


def _id_number(order: int) -> str:
    """Return the made-up number of an account; the sample rosters use low serials, so nobody is their own case."""
    return make_synthetic(BIRTH, MOST_SERIAL - order, sex="male")


@dataclass
class Teller:
    """Plays all stories at once in the order of their days, and lets the clock's own acts happen in between."""

    clock: Clock
    end: datetime
    progress: Progress
    people: dict[tuple[str, str], Actor] = field(default_factory=dict)

    def tell(self, table: Mapping[str, Any]) -> None:
        """Play every story up to the end."""
        for account in reversed(accounts()):
            self.people[(account.area[:6], account.role)] = people.actor_named(account.username)
        queue: list[tuple[datetime, int, Iterator[datetime]]] = []
        for index, row in enumerate(table["stories"]):
            told = story.Story(row["household"], row["legs"], table["roles"], table["values"], self)
            self._go_on(queue, index, told.play())
        while queue:
            when, index, acts = heapq.heappop(queue)
            self.go_to(when)
            self._go_on(queue, index, acts)
        self.go_to(self.end)

    def _go_on(self, queue: list[Any], index: int, acts: Iterator[datetime]) -> None:
        """Let a story do what was due, and line up its next act unless that lies ahead of today."""
        when = next(acts, None)
        if when is None or when > self.end:
            self.progress(1)
            return
        heapq.heappush(queue, (max(when, self.clock.now), index, acts))

    def go_to(self, when: datetime) -> None:
        """Let time pass: what fell due on the way is noticed on its own day, and reminders go out."""
        while self.clock.now.date() < when.date():
            self.clock.now = min(when, self.clock.now + timedelta(days=1))
            sweep()
            deliver()
        self.clock.now = max(when, self.clock.now)

    def day(self, offset: int) -> datetime:
        """Return nine in the morning, local time, some days from the end."""
        day = local_date(self.end) + timedelta(days=offset)
        return morning(day)

    def actor(self, county: str, role: str) -> Actor:
        """Return the account of a role in a county."""
        return self.people[(county, role)]


def morning(day: date) -> datetime:
    """Return nine in the morning of a local day."""
    return datetime.combine(day, time(9), CHINA).astimezone(UTC)
