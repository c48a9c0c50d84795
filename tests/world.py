"""An installation in a test: real database, real services, accounts as needed, an injected clock."""

import hashlib
import io
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask
from PIL import Image

from app import create_app
from app.config import Settings
from app.idnumber import make_synthetic
from app.keys import Keys
from app.services import cases, evidence, people
from app.services.cases import Done
from app.services.prepared import id_place
from app.store import cases as store
from app.store.transaction import reading, writing
from app.tables import Area, Household, Member, db
from tests.factories import PACKS, ROLE_OF, START, XIUSHAN, Walker, office, rules, subject
from workflows.journal import check_chain
from workflows.model import Actor, Case, Evidence, Outcome
from workflows.registry import Rules
from workflows.replay import replay

PASSWORD = "correct horse battery"
KEYS = Keys(b"c" * 32, b"p" * 32, b"k" * 32, b"s" * 32)


@cache
def picture(kind: str) -> bytes:
    """A small real JPEG, another one for each kind."""
    out = io.BytesIO()
    shade = sum(kind.encode()) % 256
    Image.new("RGB", (48, 32), (shade, 90, 255 - shade)).save(out, "JPEG")
    return out.getvalue()


def id_number(username: str) -> str:
    """A made-up ID number for an account, always the same for one name and another for every other."""
    drawn = int(hashlib.sha256(username.encode()).hexdigest(), 16)
    return make_synthetic(date(1950, 1, 1) + timedelta(days=drawn % 18_000), drawn // 18_000 % 500, sex="male")


@dataclass
class World:
    """One database with its application; ``now`` is its clock."""

    url: str
    folder: Path
    now: datetime = START
    using: Rules | None = None
    accounts: dict[str, Actor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings = Settings(data=self.folder, database_url=self.url, policies=PACKS)
        self.app: Flask = create_app(settings, clock=lambda: self.now, keys=KEYS, rules=self.using or rules())

    def close(self) -> None:
        """Give all connections back, so that the database can be dropped."""
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()

    def person(self, role: str, area: str = XIUSHAN, name: str = "") -> Actor:
        """The account of a role over a village, made when first asked for; call inside the app context."""
        held = office(role, area)
        username = f"{name or role}-{held.area}"
        if username not in self.accounts:
            people.add_user(
                username=username,
                name=f"测试{name or role}",
                password=PASSWORD,
                county=area[:6],
                offices=[(held.role, held.area)],
                id_number=id_number(username),
            )
            self.accounts[username] = people.actor_named(username)
        return self.accounts[username]

    def household(self, serial: int = 1, area: str = XIUSHAN) -> str:
        """Add a household of two and return its number."""
        one = subject(area, serial)
        with writing():
            self.add_area(area)
            db.session.add(_household(one.number, one.county, area, serial))
            db.session.flush()
            db.session.add_all(_members(one.number, one.county, serial))
        return one.number

    def add_area(self, village: str) -> None:
        """Make sure that a village and all above it are there."""
        names = {"county": village[:6], "township": village[:9], "village": village}
        parent = None
        for level, prefix in names.items():
            code = prefix.ljust(12, "0")
            if db.session.get(Area, code) is None:
                db.session.add(
                    Area(code=code, name=f"测试{level}{prefix}", level=level, parent=parent, county=village[:6])
                )
                db.session.flush()
            parent = code

    def walker(self, serial: int = 1, area: str = XIUSHAN) -> "StoredWalker":
        """A walker over a household in this database; it is added when it is not there yet."""
        number = subject(area, serial).number
        with reading():
            known = db.session.get(Household, (area[:6], number)) is not None
        if not known:
            self.household(serial, area)
        return StoredWalker(subject(area, serial), now=self.now, using=self.using, world=self)


def _household(number: str, county: str, area: str, serial: int) -> Household:
    return Household(
        county=county,
        number=number,
        area=area,
        village=area[:12],
        township=f"{area[:9]}000",
        group_name="第一组",
        head_name="张三",
        head_key=f"head{serial}",
        member_count=2,
        kind="ordinary",
        phone="13900000000",
        created_at="2026-01-01T00:00:00Z",
    )


def _members(number: str, county: str, serial: int) -> Iterable[Member]:
    for position, (name, relation) in enumerate((("张三", "head"), ("李四", "spouse")), 1):
        key = f"person{serial}-{position}"
        yield Member(
            county=county,
            household=number,
            position=position,
            name=name,
            relation=relation,
            id_key=key,
            id_masked="999999********0018",
            id_cipher=KEYS.encrypt("999999198001010011", place=id_place(county, key)),
        )


@dataclass
class StoredWalker(Walker):
    """A walker that acts through the services on a real database; replay must equal the row after each act."""

    world: World | None = None

    @property
    def place(self) -> World:
        """The world it walks in."""
        assert self.world is not None
        return self.world

    def actor(self, role: str, person: str = "") -> Actor:
        """An account of the world."""
        return self.place.person(role, self.household.area, person)

    def files(self, who: Actor, kinds: Iterable[str]) -> list[Evidence]:
        """Hand in a real picture for each kind."""
        county = self.household.county
        return [evidence.take_in(who, county=county, kind=kind, data=picture(kind)) for kind in kinds]

    def act(  # type: ignore[override]
        self,
        action: str,
        who: Actor | str = "",
        *,
        case: Case | None = None,
        purpose: str = "",
        without: Iterable[str] = (),
        files: Iterable[str] | None = None,
        version: int | None = None,
        key: str = "",
        **data: Any,
    ) -> Done:
        """Do an action through the services with good input unless told otherwise."""
        self.place.now = self.now
        person = who if isinstance(who, Actor) else self.actor(who or ROLE_OF.get(action, "village_cadre"))
        case = None if action == "report_clue" else case or self._case_for(action)
        form_fields, form_files = self._form(action, case, purpose)
        values = {k: v for k, v in {**self._values(form_fields), **data}.items() if k not in set(without)}
        values = {k: v["id"] if isinstance(v, dict) else v for k, v in values.items()}
        handed = self.files(person, [k for k in (form_files if files is None else files) if k not in set(without)])
        key = key or uuid.uuid4().hex
        if case is None:
            number = self.household.number
            done = cases.register_clue(person, household=number, purpose=purpose, data=values, evidence=handed, key=key)
        else:
            done = cases.act(
                person, case=case.number, action=action, data=values, evidence=handed, version=version, key=key
            )
        self.refresh()
        return done

    def take(self, outcome: Outcome) -> Outcome:
        """Acts go through the services; there is nothing to take."""
        raise AssertionError("a stored walker records by the services")

    def refresh(self) -> None:
        """Read everything anew and check that replay equals the rows."""
        with reading():
            self.dossier = store.read_dossier(self.household.county, self.household.number)
            numbers = [c.number for c in self.dossier.cases]
            entries = store.entries_of_all(self.household.county, numbers)
            self.disclosures = store.disclosures_of(self.household.county, numbers)
        self.chains = {number: [e.text for e in chain] for number, chain in entries.items()}
        for one in self.dossier.cases:
            assert check_chain(one.number, self.chains[one.number], one.head, one.seq) == []
            assert replay(self.chains[one.number]) == one
