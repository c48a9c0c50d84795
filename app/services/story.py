"""One household of the demo: its acts in order of time, each done through the services like anybody's."""

import io
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

from PIL import Image, ImageDraw, ImageFont

from app.services import cases, evidence
from app.store import cases as store
from app.store.transaction import reading
from workflows.clock import CHINA, local_date, parse_utc
from workflows.definition import Action, Step
from workflows.errors import Refused
from workflows.income import MEMBERS, PER_HEAD
from workflows.machine import Compiled
from workflows.model import Actor, Case, Dossier, Evidence

FONT = Path(__file__).parents[1] / "data" / "demo" / "demo.ttf"
VISIT_DAY = 15
STARTS, ENDS = 9, 18  # office hours, local time
SAME_DAY = timedelta(minutes=20)
HELPED = ("planning", "assisting", "watching")
QUARTER = 3
PAPER, INK = (246, 243, 234), (120, 40, 40)


def seeded(*parts: str) -> random.Random:
    """Return a chance that is the same for the same words."""
    return random.Random(":".join(parts))  # noqa: S311 - a history to be repeated, no secret


class Stage(Protocol):
    """What a story needs of its teller."""

    def day(self, offset: int) -> datetime:
        """Return nine in the morning some days from today."""

    def actor(self, area: str, role: str, nth: int) -> Actor:
        """Return an account that holds a role over an area; of several the nth, going round."""


@dataclass(frozen=True)
class Manner:
    """How the people of a story work: when in the day, on which days, how many visits of a hundred are missed."""

    later: timedelta = timedelta(0)
    rests: bool = False
    visit_day: int = 0  # 0: no visits but those that the legs name
    missed: int = 0


@dataclass
class Story:
    """A household and its legs: clue, walk, act, refused, monthly (see the files of stories)."""

    household: str
    legs: Sequence[Mapping[str, Any]]
    roles: Mapping[str, str]
    values: Mapping[str, Any]
    stage: Stage
    seed: str = ""
    helper: int = 0
    manner: Manner = field(default_factory=Manner)

    def __post_init__(self) -> None:
        """The two threads of a story draw apart, so that neither depends on when the other goes on."""
        self.chance = seeded(self.seed, self.household)
        self.luck = seeded(self.seed, self.household, "visits")

    @property
    def county(self) -> str:
        """The county of the household."""
        return self.household[:6]

    @cached_property
    def area(self) -> str:
        """The village or grid of the household."""
        with reading():
            return store.household_row(self.county, self.household).area

    def play(self) -> Iterator[datetime]:
        """Yield when the next act is due and do it when resumed, at or after that time."""
        when = last = self._first(self.legs[0])
        for leg in map(self._settled, self.legs):
            if "after" in leg:
                when = self._in_hours(last + timedelta(days=self._drawn(leg["after"])))
            when = self._first(leg) if "day" in leg else when
            for due in self._leg(leg, when):
                yield due
                last, when = due, due + timedelta(days=1)

    def visits(self) -> Iterator[datetime]:
        """Yield the day of each month's visit, and make it where there is a helper; some are missed."""
        day = self.manner.visit_day
        when = self._first(self.legs[0])
        while day:
            following = (when.astimezone(CHINA).replace(day=1) + timedelta(days=32)).replace(day=day, hour=STARTS)
            when = self._in_hours(following + self.manner.later)
            yield when
            if self.luck.randrange(100) >= self.manner.missed:
                self._visit(when)

    def _visit(self, when: datetime) -> None:
        with reading():
            case = store.read_dossier(self.county, self.household).open_case("assist")
        is_due = case and (case.state in HELPED or (case.state == "stable" and local_date(when).month % QUARTER == 0))
        if is_due:
            self._act("record_visit", {"on": "assist"}, when)

    def _first(self, leg: Mapping[str, Any]) -> datetime:
        return self._in_hours(self.stage.day(self._drawn(leg["day"])) + self.manner.later)

    def _settled(self, leg: Mapping[str, Any]) -> Mapping[str, Any]:
        """Draw what a leg's forms say once, so that its steps agree on it."""
        return {**leg, "data": {name: self._drawn(value) for name, value in leg.get("data", {}).items()}}

    def _drawn(self, value: Any) -> Any:
        """A pair of whole numbers is a range to draw from; anything else stands as it is."""
        if isinstance(value, list) and len(value) == 2 and all(isinstance(end, int) for end in value):
            return self.chance.randint(*value)
        return value

    def _in_hours(self, when: datetime) -> datetime:
        """Put off to the next working morning what would fall after hours or on a day of rest."""
        local = when.astimezone(CHINA)
        if local.hour >= ENDS:
            local = self._morning(local + timedelta(days=1))
        while self.manner.rests and not cases.loaded_rules().calendar_for("").is_working_day(local.date()):
            local = self._morning(local + timedelta(days=1))
        return local.astimezone(when.tzinfo)

    def _morning(self, local: datetime) -> datetime:
        return local.replace(hour=STARTS, minute=0) + self.manner.later

    def _leg(self, leg: Mapping[str, Any], when: datetime) -> Iterator[datetime]:
        if "clue" in leg:
            yield when
            self._clue(leg, when)
        elif "walk" in leg:
            yield from self._walk(leg, when)
        elif "act" in leg:
            yield when
            self._act(leg["act"], leg, when)
        elif "refused" in leg:
            yield when
            self._be_refused(leg, when)
        else:
            yield from self._monthly(leg, when)

    def _monthly(self, leg: Mapping[str, Any], when: datetime) -> Iterator[datetime]:
        last = self.stage.day(leg.get("until", 0))
        while when <= last:
            if local_date(when).day == VISIT_DAY:
                yield when
                self._act(leg["monthly"], leg, when)
            when += timedelta(days=1)

    def _walk(self, leg: Mapping[str, Any], when: datetime) -> Iterator[datetime]:
        """Complete step after step, each ``pace`` days after the last; signatures of one step ten minutes apart."""
        while True:
            case, compiled = self._present("household_case")
            step = self._next_step(case, compiled)
            if case.state == leg["walk"] or case.closed or step is None:
                return
            lies = timedelta(days=self._drawn(leg.get("hold", {}).get(step.id, 0)))
            when = self._in_hours(max(when, self._after_notice(case, step)) + lies)
            for role in self._signers(step):
                yield when
                self._act(step.action, {**leg, "role": role}, when)
                when += timedelta(minutes=10)
            when = self._following(when, self._drawn(leg.get("pace", 1)))

    def _following(self, when: datetime, days: int) -> datetime:
        if days == 0:
            return self._in_hours(when + SAME_DAY)
        return self._in_hours(self._morning(when.astimezone(CHINA) + timedelta(days=days)).astimezone(when.tzinfo))

    def _next_step(self, case: Case, compiled: Compiled) -> Step | None:
        done = case.fields.get("_done", [])
        beside = next((s for s in compiled.beside(case.state) if s.id not in done), None)
        return beside or compiled.step_at(case.state)

    def _after_notice(self, case: Case, step: Step) -> datetime:
        """A step that waits for a minimum period comes on the morning after it."""
        timers = [g["timer"] for g in step.guards if g["guard"] == "minimum_elapsed"]
        dues = [parse_utc(case.clocks[name].due) for name in timers if name in case.clocks]
        return max(dues, default=parse_utc(case.opened_at)) + timedelta(hours=STARTS)

    def _signers(self, step: Step) -> Sequence[str]:
        mode = step.sign.get("mode", "one")
        if mode == "any":
            return step.roles[: int(step.sign.get("count", 1))]
        return step.roles if mode == "all" else (self.roles.get(step.action, step.roles[0]),)

    def _present(self, definition: str) -> tuple[Case, Compiled]:
        with reading():
            dossier: Dossier = store.read_dossier(self.county, self.household)
        case = dossier.open_case(definition) or dossier.latest(definition)
        if case is None:
            raise LookupError(f"{self.household}: no {definition}")
        return case, cases.loaded_rules().machine_of(case)

    def _clue(self, leg: Mapping[str, Any], when: datetime) -> None:
        day, purpose = local_date(when), leg["clue"]
        compiled = cases.loaded_rules().current("household_case", self.area, purpose, day)
        form = compiled.definition.actions["report_clue"]
        actor = self._actor("report_clue", leg, form)
        cases.register_clue(
            actor,
            household=self.household,
            purpose=purpose,
            data=self._data(form, compiled, leg, day),
            evidence=self._files(form, compiled, actor, day),
            key=uuid.uuid4().hex,
        )

    def _be_refused(self, leg: Mapping[str, Any], when: datetime) -> None:
        """Try what the rules do not allow yet: people do, and the access ledger tells of it."""
        try:
            self._act(leg["refused"], leg, when)
        except Refused:
            return
        raise LookupError(f"{self.household}: {leg['refused']} was not refused")

    def _act(self, action: str, leg: Mapping[str, Any], when: datetime) -> None:
        day = local_date(when)
        case, compiled = self._present(leg.get("on", "household_case"))
        form = compiled.step_of(action) or compiled.definition.actions[action]
        if case.fields.get("_signatures", {}).get(form.id):
            form = _later_signature(form)
        actor = self._actor(action, leg, form)
        cases.act(
            actor,
            case=case.number,
            action=action,
            data=self._data(form, compiled, leg, day),
            evidence=self._files(form, compiled, actor, day),
            key=uuid.uuid4().hex,
        )

    def _actor(self, action: str, leg: Mapping[str, Any], form: Step | Action) -> Actor:
        role = leg.get("role") or self.roles.get(action) or form.roles[0]
        return self._person(role, leg.get("hands", 0))

    def _person(self, role: str, nth: int) -> Actor:
        return self.stage.actor(self.area, role, self.helper if role == "helper" else nth)

    def _data(self, form: Step | Action, compiled: Compiled, leg: Mapping[str, Any], day: date) -> dict[str, Any]:
        known = {**self.values, **leg.get("data", {})}
        if "person" in leg:
            self.helper += leg.get("next", 0)
            known["helper"] = self._person(leg["person"], 0).id
        if MEMBERS in form.fields:
            known = {**known, **_figures(known)}
        days = {name: day.isoformat() for name in form.fields if compiled.fields[name].type == "date"}
        names = (*form.fields, "target")
        return {**{name: known[name] for name in names if name in known}, **days}

    def _files(self, form: Step | Action, compiled: Compiled, actor: Actor, day: date) -> list[Evidence]:
        return [
            evidence.take_in(actor, county=self.county, kind=kind, data=picture(name, self.household, day))
            for kind, name in ((kind, compiled.evidence[kind]["zh"]) for kind in form.evidence)
        ]


def _figures(known: Mapping[str, Any]) -> dict[str, int]:
    """Figures of an income sheet that give the income per head which the story tells, to the fen."""
    total = known[PER_HEAD] * known[MEMBERS]
    business, transfer = total * 3 // 10 // 10_000 * 10_000, total // 20 // 10_000 * 10_000
    cost = business // 4
    wage = total - business - transfer + cost
    return {
        "income_wage": wage,
        "income_business": business,
        "income_property": 0,
        "income_transfer": transfer,
        "business_cost": cost,
    }


def _later_signature(form: Step | Action) -> Step | Action:
    """Those who sign after the first give their opinion only."""

    return replace(form, fields=tuple(f for f in form.fields if f in ("opinion", "reason")), evidence=())


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return the demo's font in a size."""
    return ImageFont.truetype(FONT, size)


@cache
def sheet(name: str) -> Image.Image:
    """Return the picture of a kind of evidence, without household and day: what repeats is drawn once."""
    image = Image.new("RGB", (320, 210), PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((8, 8, 311, 201), outline=INK, width=2)
    draw.text((160, 72), "演示", font=font(64), fill=INK, anchor="mm")
    draw.text((160, 130), "演示材料，非真实佐证", font=font(16), fill=INK, anchor="mm")
    draw.text((160, 183), name, font=font(14), fill=INK, anchor="mm")
    return image


def picture(name: str, household: str, day: date) -> bytes:
    """Return a small JPEG that says that it is for the demo, with what it stands for."""
    image = sheet(name).copy()
    line = f"{household}  {day.isoformat()}"
    ImageDraw.Draw(image).text((160, 160), line, font=font(14), fill=INK, anchor="mm")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=60)
    return out.getvalue()
