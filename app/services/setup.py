"""First set-up of an installation: keys, schema, counties with their divisions, the first administrator."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from flask import Flask

from app.config import Settings
from app.keys import Keys, make_keys
from app.runtime import runtime
from app.services import areas, offices, people
from app.store import accounts, ledger, schema
from app.store.transaction import reading
from app.tables import db
from workflows.clock import local_date
from workflows.errors import BadValue

Factory = Callable[..., Flask]
# Stands in until the installation has its own keys; nothing is ever written with it.
NO_KEYS = Keys(b"\0" * 32, b"\0" * 32, b"\0" * 32)


class AlreadySetUp(RuntimeError):
    """There is an installation here already; ``what`` is "done", "keys_lost" or "other_place"."""

    def __init__(self, what: str, place: str) -> None:
        super().__init__(f"{what}: {place}")
        self.what, self.place = what, place


@dataclass(frozen=True)
class Request:
    """What ``fangpin init`` was told: county codes (6 digits) and the first administrator."""

    counties: Sequence[str]
    username: str
    name: str
    password: str
    id_number: str


@dataclass(frozen=True)
class County:
    """A county that was set up: how many areas its file brought (0: none shipped), and the pack that holds it."""

    code: str
    areas: int
    pack: str
    pack_label: Mapping[str, str]
    has_own_pack: bool


@dataclass(frozen=True)
class Result:
    """What the set-up made."""

    revision: str
    counties: Sequence[County]


def set_up(settings: Settings, request: Request, *, make_app: Factory) -> Result:
    """Set up an installation once; a run that broke off before the administrator was there may be repeated.

    Raises AlreadySetUp, BadValue (county, user name, password, ID number) or BadTable (a pack is wrong, or none holds
    a county). A refusal leaves nothing behind.
    """
    _ensure_fits(request)
    _ensure_new(settings, request, make_app)
    settings.data.mkdir(parents=True, exist_ok=True)
    if not settings.secrets_file.exists():
        make_keys(settings.secrets_file)
    app = make_app(settings)
    with app.app_context():
        try:
            revision = schema.upgrade(db.engine)
            counties = [_add_county(code) for code in request.counties]
            _add_administrator(request)
        finally:
            close(app)
    return Result(revision, counties)


def close(app: Flask) -> None:
    """Give all connections of an application back; call inside its context."""
    db.session.remove()
    db.engine.dispose()


def _ensure_fits(request: Request) -> None:
    """Everything that can be known to be wrong is found before anything is made."""
    if not request.counties:
        raise BadValue(field="county", value="")
    for code in request.counties:
        if len(code) != 6 or not code.isascii() or not code.isdigit() or code.endswith("00"):
            raise BadValue(field="county", value=code[:20])
    if not request.username.strip() or not request.name.strip():
        raise BadValue(field="username", value=request.username[:20])
    people.ensure_password(request.password)
    offices.ensure_id_number(request.id_number, datetime.now(UTC))


def _ensure_new(settings: Settings, request: Request, make_app: Factory) -> None:
    """Rules are loaded and the database is looked at before there are keys, which would outlive a refusal."""
    has_keys = settings.secrets_file.exists()
    app = make_app(settings, keys=None if has_keys else NO_KEYS)
    with app.app_context():
        try:
            for code in request.counties:
                runtime().rules.pack_for(code.ljust(12, "0"), local_date(datetime.now(UTC)))
            has_users = _has_database(settings) and schema.revision(db.engine) is not None and _has_users()
        finally:
            close(app)
    if has_users:
        raise AlreadySetUp("done" if has_keys else "keys_lost", str(settings.data))


def _has_database(settings: Settings) -> bool:
    """Tell whether there may be something to look at: looking alone would make an SQLite file."""
    path = settings.database_url.partition(":///")[2]
    return not settings.database_url.startswith("sqlite") or (bool(path) and Path(path).exists())


def _has_users() -> bool:
    with reading():
        return accounts.has_any()


def _add_county(code: str) -> County:
    brought = areas.import_shipped(code) if code in areas.shipped_divisions() else areas.Taken(0, 0, 0)
    pack = runtime().rules.pack_for(code.ljust(12, "0"), today())
    return County(
        code,
        areas=brought.added + brought.changed + brought.unchanged,
        pack=pack.id,
        pack_label=pack.label,
        has_own_pack=bool(pack.area) and code.startswith(pack.area[:6]),
    )


def today() -> date:
    """Return the local day of the database's clock."""
    with reading() as now:
        return local_date(now)


def _add_administrator(request: Request) -> None:
    county = request.counties[0]
    people.add_user(
        username=request.username.strip(),
        name=request.name.strip(),
        password=request.password,
        county=county,
        offices=[("admin", code.ljust(12, "0")) for code in request.counties],
        id_number=request.id_number,
        by=ledger.OPERATOR,
    )
