"""Another calendar for running periods: what would move, listed first; then moved with an entry in each journal."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from app.services.cases import ensure_rules, loaded_rules, make_command
from app.services.moving import Movement, Progress, Run, Stop
from app.services.people import actor_of_account
from app.services.rehearsal import dossiers_of
from app.store import calendars
from app.store import cases as store
from app.store.transaction import reading, sealing_time
from workflows import recount
from workflows.calendars import Calendar, composed
from workflows.errors import NotFound
from workflows.journal import canonical, digest
from workflows.model import Actor, Case, Dossier, Office, system_actor
from workflows.recount import Recounted, can_recount, shifts
from workflows.registry import Rules

LOOK, MOVE = "cal_look", "calendar"
KINDS = (LOOK, MOVE)
ROLES = ("county_lead", "admin")
MOST_LISTED = 500  # periods that a preview names; the rest are counted


def carry_out(run: Run, progress: Progress, stop: Stop) -> dict[str, Any] | None:
    """Do a run of these kinds to its end and return its result, or None when it was stopped."""
    return look(run, progress, stop) if run.kind == LOOK else Recounting(run).move(progress, stop)


def calendar_with(rules: Rules, county: str, number: int, how: str) -> Calendar:
    """Return a county's calendar as it would be if a document came into force, or went out of it."""
    with reading():
        row = calendars.row_of(number)
        if row is None:
            raise NotFound(calendar=str(number))
        document = calendars.document_of(row)
    documents = [one for one in rules.documents if one != document]
    return composed(rules.calendar, [*documents, document] if how == calendars.IN_FORCE else documents, county)


class Preview:
    """Counts the periods that another calendar would move."""

    def __init__(self, rules: Rules, calendar: Calendar) -> None:
        self.rules, self.calendar = rules, calendar
        self.cases = self.changed = self.left = 0
        self.deadlines: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.listed: list[dict[str, str]] = []

    def look(self, dossier: Dossier, now: datetime) -> None:
        """Count one household's running cases."""
        ensure_rules(self.rules, dossier)
        for case in dossier.cases:
            if not case.closed:
                self.cases += 1
                found = shifts(case, self.calendar, now)
                self.changed += bool(found)
                self.left += bool(found) and not can_recount(self.rules.machine_of(case))
                for one in found:
                    self._count(case, one, now)

    def _count(self, case: Case, one: Recounted, now: datetime) -> None:
        before, after = one.before.due, one.after.due
        counted, late = self.deadlines[case.definition, one.kind], one.is_late_by_it(now)
        counted["settled" if not one.moves else "earlier" if after < before else "later"] += 1
        counted["late"] += late
        if one.moves and (late or len(self.listed) < MOST_LISTED):
            told = {"case": case.number, "timer": one.kind, "before": before, "after": after}
            self.listed.append({**told, **({"late": "1"} if late else {})})

    def as_json(self) -> dict[str, Any]:
        """Return what is kept with the run; those who become late stand first."""
        listed = sorted(self.listed, key=lambda row: ("late" not in row, row["case"], row["timer"]))
        return {
            "cases": self.cases,
            "changed": self.changed,
            "left_count": self.left,
            "deadlines": [{"definition": d, "timer": t, **n} for (d, t), n in sorted(self.deadlines.items())],
            "moving": listed[:MOST_LISTED],
        }


def look(run: Run, progress: Progress, stop: Stop) -> dict[str, Any] | None:
    """Return what a document would do to a county's running periods; nothing is changed."""
    rules = loaded_rules()
    preview = Preview(rules, calendar_with(rules, run.county, run.inputs["document"], run.inputs["how"]))
    for dossiers, now in dossiers_of(run.county):
        if stop():
            return None
        for dossier in dossiers:
            preview.look(dossier, now)
        progress(len(dossiers))
    return preview.as_json()


def who_signs(account: str, county: str) -> tuple[Actor, Office]:
    """Return who signs in a county what somebody decided: that person, by an office there, else the system."""
    actor = actor_of_account(account)
    for office in actor.offices:
        if office.role in ROLES and office.area[:6] == county:
            return actor, office
    system = system_actor(county)
    return system, system.offices[0]


class Recounting(Movement):
    """Counts the running periods of a county by its present calendar, each case with an entry of its own."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.actor, self.office = who_signs(run.user, run.county)

    def ensure_wanted(self, today: date) -> None:
        """The document is in force, or out of it, whatever comes later: the present calendar is what counts."""

    def decide(self, locked: Mapping[str, store.Locked], now: datetime) -> Iterator[store.Decided]:
        """Yield the move of each case of which a period ends on another day, or is certain now."""
        calendar = self.rules.calendar_for(self.run.county)
        for found in locked.values():
            at, dossier = sealing_time(found.latest, now), found.dossier
            ensure_rules(self.rules, dossier)
            for case in dossier.cases:
                one = None if case.closed else self._decided(case, dossier, calendar, at, found)
                if one:
                    dossier = dossier.with_case(one.outcome.case)
                    yield one

    def _decided(
        self, case: Case, dossier: Dossier, calendar: Calendar, now: datetime, found: store.Locked
    ) -> store.Decided | None:
        if not shifts(case, calendar, now):
            return None
        machine = self.rules.machine_of(case)
        if not can_recount(machine):
            self.leave(case.number, "old_definition")
            return None
        command = make_command(
            recount.ACTION, {}, (), f"{self.actor.id}/calendar-{self.run.id}-{case.number}", case=case.number
        )
        note = {"run": self.run.id, "reason": self.run.inputs["reason"]}
        outcome = recount.recount(
            machine, dossier, case, command,
            actor=self.actor, office=self.office, calendar=calendar, now=now, note=note,
        )  # fmt: skip
        if outcome is None:
            return None
        asked = digest(canonical([self.actor.id, self.run.id, case.number]))
        return store.Decided(outcome, command, self.actor, dossier, asked, now, found.listens)
