"""What the proofs share: an installation on one engine, and acts on a case that another process carries out."""

import io
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image

from app.services import cases, evidence
from app.services.check import Damage, check, counties
from app.store.schema import upgrade
from tests import postgres
from tests.world import StoredWalker, World
from workflows.definition import Step
from workflows.errors import Refused
from workflows.model import Actor, Evidence

ENGINES = ("sqlite", "postgresql")


@contextmanager
def world(engine: str) -> Iterator[World]:
    """A migrated, empty installation on one engine, inside its application context."""
    with tempfile.TemporaryDirectory(prefix="fangpin-prove-") as folder:
        url = f"sqlite:///{folder}/prove.sqlite3" if engine == "sqlite" else postgres.new_database()
        upgrade(url)
        one = World(url, Path(folder))
        with one.app.app_context():
            yield one
        one.close()
        if engine == "postgresql":
            postgres.drop_database(url)


@dataclass(frozen=True)
class Act:
    """A command on a case as one value, so that it can be sent to another process, and the time it is done at."""

    who: Actor
    case: str
    action: str
    data: Mapping[str, Any]
    evidence: tuple[Evidence, ...]
    now: datetime
    version: int | None = None
    key: str = field(default_factory=lambda: uuid.uuid4().hex)


def answer_of(act: Act) -> str:
    """Carry an act out by the services: "moved", "repeated", or the code of the refusal."""
    try:
        done = cases.act(
            act.who,
            case=act.case,
            action=act.action,
            data=act.data,
            evidence=act.evidence,
            key=act.key,
            version=act.version,
        )
    except Refused as refusal:
        return refusal.code
    return "repeated" if done.repeated else "moved"


@dataclass
class Desk:
    """Makes acts with good input; each person's files are handed in once and are nobody else's."""

    world: World
    handed: dict[tuple[str, str], Evidence] = field(default_factory=dict)

    def act(self, walker: StoredWalker, action: str, who: Actor, **more: Any) -> Act:
        """Return a person's act on the walker's case, with all that its form asks for."""
        fields, kinds = walker._form(action, walker.case, "")
        files = tuple(self._file(who, walker.household.county, kind) for kind in kinds)
        return Act(who, walker.case.number, action, walker._values(fields), files, walker.now, **more)

    def _file(self, who: Actor, county: str, kind: str) -> Evidence:
        key = (who.id, kind)
        if key not in self.handed:
            self.handed[key] = evidence.take_in(who, county=county, kind=kind, data=photo(len(self.handed)))
        return self.handed[key]


def photo(serial: int) -> bytes:
    """A small real picture, another one for each number."""
    out = io.BytesIO()
    Image.new("RGB", (24, 16), (serial % 256, serial // 256 % 256, 90)).save(out, "PNG")
    return out.getvalue()


def next_step(walker: StoredWalker) -> Step:
    """Return what the walker's case waits for, first what may be done beside; a notice has run its time by then."""
    machine, done = walker.rules.machine_of(walker.case), walker.case.fields.get("_done", [])
    for beside in machine.beside(walker.state):
        if beside.id not in done:
            return beside
    step = machine.step_at(walker.state)
    assert step is not None, walker.state
    if step.action == "close_publicity":
        walker.after("publicity_min")
    return step


def signers(step: Step) -> int:
    """Return how many persons must sign a step."""
    return int(step.sign.get("count", 1))


def ensure_whole() -> str:
    """Recompute every chain, row, period and file, as `fangpin check` does; return what was looked at."""
    found: list[Damage] = []
    summary = check(counties(), report=found.append)
    assert not found, found[:5]
    return f"{summary.entries} entries checked, no damage"
