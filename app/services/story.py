"""One household of the demo: its acts in order of time, each done through the services like anybody's."""

import io
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from PIL import Image, ImageDraw, ImageFont

from app.services import cases, evidence
from app.store import cases as store
from app.store.transaction import reading
from workflows.clock import local_date, parse_utc
from workflows.definition import Action, Step
from workflows.machine import Compiled
from workflows.model import Actor, Case, Dossier, Evidence

FONT = Path(__file__).parents[1] / "data" / "demo" / "demo.ttf"
VISIT_DAY = 15
PAPER, INK = (246, 243, 234), (120, 40, 40)


class Stage(Protocol):
    """What a story needs of its teller."""

    def day(self, offset: int) -> datetime:
        """Return nine in the morning some days from today."""

    def actor(self, county: str, role: str) -> Actor:
        """Return the account of a role in a county."""


@dataclass
class Story:
    """A household and its legs: clue, walk, act, monthly (see the file of stories)."""

    household: str
    legs: Sequence[Mapping[str, Any]]
    roles: Mapping[str, str]
    values: Mapping[str, Any]
    stage: Stage

    @property
    def county(self) -> str:
        """The county of the household."""
        return self.household[:6]

    def play(self) -> Iterator[datetime]:
        """Yield when the next act is due and do it when resumed, at or after that time."""
        when = self.stage.day(self.legs[0]["day"])
        for leg in self.legs:
            when = self.stage.day(leg["day"]) if "day" in leg else when
            for due in self._leg(leg, when):
                yield due
                when = due + timedelta(days=1)

    def _leg(self, leg: Mapping[str, Any], when: datetime) -> Iterator[datetime]:
        if "clue" in leg:
            yield when
            self._clue(leg, when)
        elif "walk" in leg:
            yield from self._walk(leg, when)
        elif "act" in leg:
            yield when
            self._act(leg["act"], leg, when)
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
        """Complete step after step, one a day; signatures of one step ten minutes apart."""
        while True:
            case, compiled = self._present("household_case")
            step = self._next_step(case, compiled)
            if case.state == leg["walk"] or case.closed or step is None:
                return
            when = max(when, self._after_notice(case, step))
            for role in self._signers(step):
                yield when
                self._act(step.action, {**leg, "role": role}, when)
                when += timedelta(minutes=10)
            when = self._next_morning(when)

    def _next_morning(self, when: datetime) -> datetime:
        return (when + timedelta(days=1)).replace(minute=0)

    def _next_step(self, case: Case, compiled: Compiled) -> Step | None:
        done = case.fields.get("_done", [])
        beside = next((s for s in compiled.beside(case.state) if s.id not in done), None)
        return beside or compiled.step_at(case.state)

    def _after_notice(self, case: Case, step: Step) -> datetime:
        """A step that waits for a minimum period comes on the morning after it."""
        timers = [g["timer"] for g in step.guards if g["guard"] == "minimum_elapsed"]
        dues = [parse_utc(case.clocks[name].due) for name in timers if name in case.clocks]
        return max(dues, default=parse_utc(case.opened_at)) + timedelta(hours=9)

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
        with reading():
            area = store.household_row(self.county, self.household).area
        compiled = cases.loaded_rules().current("household_case", area, purpose, day)
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
        return self.stage.actor(self.county, role)

    def _data(self, form: Step | Action, compiled: Compiled, leg: Mapping[str, Any], day: date) -> dict[str, Any]:
        known = {**self.values, **leg.get("data", {})}
        if "person" in leg:
            known["helper"] = self.stage.actor(self.county, leg["person"]).id
        days = {name: day.isoformat() for name in form.fields if compiled.fields[name].type == "date"}
        return {**{name: known[name] for name in form.fields if name in known}, **days}

    def _files(self, form: Step | Action, compiled: Compiled, actor: Actor, day: date) -> list[Evidence]:
        return [
            evidence.take_in(actor, county=self.county, kind=kind, data=picture(name, self.household, day))
            for kind, name in ((kind, compiled.evidence[kind]["zh"]) for kind in form.evidence)
        ]


def _later_signature(form: Step | Action) -> Step | Action:
    """Those who sign after the first give their opinion only."""

    return replace(form, fields=tuple(f for f in form.fields if f in ("opinion", "reason")), evidence=())


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return the demo's font in a size."""
    return ImageFont.truetype(FONT, size)


def picture(name: str, household: str, day: date) -> bytes:
    """Return a small JPEG that says that it is for the demo, with what it stands for."""
    image = Image.new("RGB", (640, 420), PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((16, 16, 623, 403), outline=INK, width=3)
    draw.text((320, 150), "演示", font=font(130), fill=INK, anchor="mm")
    draw.text((320, 260), "演示材料，非真实佐证", font=font(30), fill=INK, anchor="mm")
    draw.text((320, 330), f"{household}  {day.isoformat()}", font=font(26), fill=INK, anchor="mm")
    draw.text((320, 370), name, font=font(26), fill=INK, anchor="mm")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()
