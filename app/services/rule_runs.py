"""Runs over a county's running cases with other rules: asked for by a person, done by the scheduler, in pieces.

A rehearsal changes nothing. ``apply`` moves every running case to the rules that are in force, ``revert`` those of one
``apply`` back to what they were pinned to. Each case gets its own entry; a run that was cut off goes on where it was,
as what is moved already is told by its pins.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Any, cast

import structlog

from app.places import short_area
from app.runtime import runtime
from app.services import calendar_runs, rule_words
from app.services.cases import ensure_rules, ensure_texts, loaded_rules, make_command
from app.services.isolated import Trouble, attempt, held, never
from app.services.moving import Movement, Progress, Run, Stop, as_run, head_of
from app.services.people import actor_of_account
from app.services.rehearsal import Rehearsal, Step, pin_of, rehearse
from app.services.rule_sets import ids, is_as_shown, rules_key, wanted_rules
from app.services.simulation.whatif import simulate
from app.services.simulation.wishes import Inputs, judge
from app.store import areas, people, rule_runs
from app.store import cases as store
from app.store.transaction import reading, sealing_time, writing
from app.tables import RuleRun
from workflows.clock import local_date, parse_utc, utc_text
from workflows.errors import BadRules, BadValue, CaseStuck, NotFound, WrongOffice
from workflows.journal import canonical, digest
from workflows.machine import Compiled
from workflows.model import Actor, Case, Dossier, Office
from workflows.repin import ACTION, NOTE, repin
from workflows.tables import BadTable

REHEARSE, APPLY, REVERT, SIMULATE = "rehearse", "apply", "revert", "simulate"
DECIDERS = ("county_lead",)
LOOKERS = ("county_lead", "admin")
LONGEST_REASON = 500
LOCK = "rule_runs.lock"
PAUSE = 0.2  # seconds between two looks at the lock
log = structlog.stdlib.get_logger("rules")


# --- asking ---
def ask_rehearsal(actor: Actor, county: str, *, packs: Sequence[str] = (), on: date | None = None) -> Run:
    """Ask for a rehearsal of the rules in force, or of packs (TOML texts) put over them; as of today, or a later day.

    Raises WrongOffice, or BadRules with every mistake of the packs.
    """
    ensure_office(actor, county, LOOKERS)
    try:
        wanted = wanted_rules(packs)
    except BadTable as error:
        raise BadRules(reasons=str(error).splitlines()) from error
    with writing() as now:
        day = max(local_date(now), on or date.min, *(wanted.packs[name].effective for name in ids(packs)))
        inputs = {"packs": list(packs), "on": day.isoformat(), "rules": rules_key(wanted)}
        return as_run(rule_runs.add(county, kind=REHEARSE, user=actor.id, inputs=inputs, now=now))


def ask_change(actor: Actor, number: int, *, reason: str) -> Run:
    """Ask for the change that a rehearsal showed; raises WrongOffice, NotFound or BadValue.

    Only what was rehearsed is applied: the rules must be in force and the same, and no case may be stuck.
    """
    shown = run_of(actor, number)
    office = ensure_office(actor, shown.county, DECIDERS)
    reason = _reason(reason)
    if shown.is_stuck:
        raise BadValue(field="stuck", value=str(number))
    if not may_be_applied(shown):
        raise BadValue(field="run", value=str(number))
    told = {"rules": shown.inputs["rules"], "as_of": shown.inputs["on"]}
    inputs = {"reason": reason, "rehearsal": number, **told, "office": office.area}
    return _ask_moving(actor, shown.county, APPLY, inputs)


def may_be_applied(run: Run) -> bool:
    """Tell whether a rehearsal is of the rules in force as they are now, with something to move and nothing stuck."""
    is_shown = run.kind == REHEARSE and run.state == rule_runs.DONE and not run.inputs["packs"]
    if not is_shown or run.is_stuck or not run.result["changed"]:
        return False
    with reading() as now:
        today = local_date(now)
        is_latest = not rule_runs.is_changed_since(run.county, run.id)
    return is_latest and is_as_shown(run.county, run.inputs["rules"], date.fromisoformat(run.inputs["on"]), today)


def ask_return(actor: Actor, number: int, *, reason: str) -> Run:
    """Ask for the cases of a change to be moved back; raises WrongOffice, NotFound or BadValue."""
    changed = run_of(actor, number)
    office = ensure_office(actor, changed.county, DECIDERS)
    reason = _reason(reason)
    if changed.kind != APPLY or changed.is_open:
        raise BadValue(field="run", value=str(number))
    return _ask_moving(actor, changed.county, REVERT, {"reason": reason, "run": number, "office": office.area})


def judge_simulation(county: str, texts: Mapping[str, str]) -> tuple[Inputs, dict[str, str]]:
    """Return the inputs of a simulation as they would be stored, and what was typed wrong, by its key."""
    rules = loaded_rules()
    with reading() as now:
        on = local_date(now)
    return judge(texts, rules.pack_for(f"{county}000000", on), rules.definitions, on)


def ask_simulation(actor: Actor, county: str, texts: Mapping[str, str]) -> Run:
    """Ask what would follow from another line, limit, frequency or staffing; raises WrongOffice or BadValue.

    Inputs and seed are kept with the run; its result decides nothing and nothing else is written.
    """
    ensure_office(actor, county, LOOKERS)
    inputs, wrong = judge_simulation(county, texts)
    for field, value in wrong.items():
        raise BadValue(field=field, value=value)
    with writing() as now:
        return as_run(rule_runs.add(county, kind=SIMULATE, user=actor.id, inputs=inputs, now=now))


def _ask_moving(actor: Actor, county: str, kind: str, inputs: Mapping[str, Any]) -> Run:
    with writing() as now:
        if rule_runs.is_changing(county):
            raise BadValue(field="busy", value=county)
        return as_run(rule_runs.add(county, kind=kind, user=actor.id, inputs=inputs, now=now))


def _reason(text: str) -> str:
    found = text.strip()
    if not 0 < len(found) <= LONGEST_REASON:
        raise BadValue(field="reason", value="")
    return found


def ensure_office(actor: Actor, county: str, roles: Sequence[str]) -> Office:
    """Return the office by which a person may do this for a county; raise WrongOffice."""
    for office in actor.offices:
        if office.role in roles and office.area[:6] == county and not office.within.removeprefix(county):
            return office
    raise WrongOffice(roles=list(roles))


def may_decide(actor: Actor, county: str) -> bool:
    """Tell whether a person may apply a change of rules in a county, and take it back."""
    return any(o.role in DECIDERS and o.area[:6] == county for o in actor.offices)


def name_of(account: str) -> str:
    """Return the name of who asked for a run."""
    with reading():
        user = people.user_by_id(int(account.removeprefix("u")))
        return str(user.name) if user else account


def county_names(counties: Iterable[str]) -> dict[str, str]:
    """Return the names of counties by code; one that is not registered is its code."""
    codes = {county: f"{county}000000" for county in counties}
    with reading():
        found = areas.with_codes(codes.values())
    return {county: short_area(found[code].name) if code in found else county for county, code in codes.items()}


def run_of(actor: Actor, number: int) -> Run:
    """Return a run of one of a person's counties; raises NotFound."""
    with reading():
        row = rule_runs.run_of(number)
        if row is None or row.county not in counties_of(actor):
            raise NotFound(run=str(number))
        return as_run(row)


def runs(actor: Actor) -> list[Run]:
    """Return the latest runs of a person's counties, without what was sent and found: that may be megabytes each."""
    with reading():
        return [head_of(row, reason) for row, reason in rule_runs.runs(counties_of(actor))]


def counties_of(actor: Actor) -> list[str]:
    """Return the counties whose rules a person looks after."""
    held = (office for office in actor.offices if office.role in LOOKERS)
    return sorted({office.area[:6] for office in held if not office.within.removeprefix(office.area[:6])})


# --- the scheduler's side ---
def work(stop: Stop = never) -> dict[str, int]:
    """Do what waits, one run after the other; return how many came to their end."""
    counted = {"done": 0, "failed": 0}
    with reading():
        numbers = rule_runs.waiting()
    if not numbers:
        return counted
    with held(runtime().settings.data / LOCK) as is_mine:
        for number in numbers if is_mine else ():
            outcome = "" if stop() else _work_on(number, stop)
            if outcome:
                counted[outcome] += 1
    return counted


def _work_on(number: int, stop: Stop) -> str:
    with reading():
        row = rule_runs.run_of(number)
        run = as_run(row) if row else None
    if run is None or not run.is_open:
        return ""
    result = attempt(partial(carry_out, run, stop=stop))
    if isinstance(result, Trouble):
        log.error("rule_run_failed", run=number, what=result.what)
        _close(number, rule_runs.FAILED, trouble=result.what)
        return "failed"
    if result is None:
        return ""
    _close(number, rule_runs.DONE, result=result)
    return "done"


def _close(number: int, state: str, **values: Any) -> None:
    with writing() as now:
        rule_runs.note(number, state=state, ended_at=utc_text(now), **values)


def carry_out(run: Run, *, progress: Progress | None = None, stop: Stop = never) -> dict[str, Any] | None:
    """Do a run to its end and return its result, or None when it was stopped; it can be taken up again."""
    told = progress or _noting(run)
    if run.kind == REHEARSE:
        wanted, on = wanted_rules(run.inputs["packs"]), date.fromisoformat(run.inputs["on"])
        return rehearse(run.county, loaded_rules(), wanted, on=on, progress=told, stop=stop)
    if run.kind == SIMULATE:
        return simulate(run.county, loaded_rules(), run.inputs)
    if run.kind in calendar_runs.KINDS:
        return calendar_runs.carry_out(run, told, stop)
    return Moving(run).move(told, stop)


def _noting(run: Run) -> Progress:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        with writing():
            rule_runs.note(run.id, state=rule_runs.RUNNING, done=done)

    return advance


class Moving(Movement):
    """Moves the running cases of a county to other texts, each with an entry in its journal."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.actor = actor_of_account(run.user)
        self.office = self._office()
        self.day = local_date(parse_utc(run.created_at))
        self._notes: dict[tuple[object, ...], list[dict[str, str]]] = {}

    def _office(self) -> Office:
        """The office by which the change was asked for; raises WrongOffice when it has ended since."""
        for office in self.actor.offices:
            if office.area == self.run.inputs["office"] and office.role in DECIDERS:
                return office
        raise WrongOffice(roles=list(DECIDERS))

    def ensure_wanted(self, today: date) -> None:
        """Raise BadValue when a change would be to other rules than those that were rehearsed."""
        run = self.run
        if run.kind == APPLY and not is_as_shown(
            run.county, run.inputs["rules"], date.fromisoformat(run.inputs["as_of"]), today
        ):
            raise BadValue(field="run", value=str(run.inputs["rehearsal"]))

    def decide(self, locked: Mapping[str, store.Locked], now: datetime) -> Iterator[store.Decided]:
        """Yield the move of each case whose texts would be others."""
        look = Rehearsal(self.rules, self.rules, local_date(now))
        for found in locked.values():
            at, dossier = sealing_time(found.latest, now), found.dossier
            for step in self._steps(look, dossier):
                one = self._decided(step, dossier, at, found)
                if one:
                    dossier = dossier.with_case(one.outcome.case)
                    yield one

    def _steps(self, look: Rehearsal, dossier: Dossier) -> Iterator[Step]:
        if self.run.kind == APPLY:
            yield from (step for step in look.steps(dossier) if step.is_change)
            return
        ensure_rules(self.rules, dossier)
        for case in dossier.cases:
            if not case.closed and self._is_of_run(case):
                old = self.rules.machine_of(case)
                yield Step(dossier, case, old, self._machine_before(case))

    def _is_of_run(self, case: Case) -> bool:
        """Tell whether a case was last moved by the change that is taken back."""
        return bool(case.fields.get(NOTE, {}).get("run") == self.run.inputs["run"])

    def _machine_before(self, case: Case) -> Compiled:
        definition, pack = case.fields[NOTE]["from"]
        ensure_texts(self.rules, (definition, pack))
        former = replace(case, definition_digest=definition, policy_digest=pack)
        return self.rules.machine_of(former)

    def _decided(self, step: Step, dossier: Dossier, now: datetime, found: store.Locked) -> store.Decided | None:
        number = step.case.number
        command = make_command(ACTION, {}, (), f"{self.actor.id}/rules-{self.run.id}-{number}", case=number)
        try:
            outcome = repin(
                step.new, step.old, dossier, step.case, command, actor=self.actor, office=self.office,
                calendar=self.rules.calendar_for(self.run.county), now=now, note=self._note(step),
            )  # fmt: skip
        except CaseStuck as stuck:
            self.leave(number, str(stuck.params["reason"]))
            return None
        asked = digest(canonical([self.actor.id, self.run.id, number]))
        return store.Decided(outcome, command, self.actor, dossier, asked, now, found.listens)

    def _note(self, step: Step) -> dict[str, Any]:
        key = (pin_of(step.old), pin_of(step.new), step.case.purpose)
        if key not in self._notes:
            self._notes[key] = rule_words.changes_for(step.old, step.new, self.rules, self.day)
        return {"run": self.run.id, "reason": self.run.inputs["reason"], "changes": self._notes[key]}


def carry_out_now(run: Run, progress: Progress) -> Run:
    """Do a run in the foreground, for the command line; returns it as it ended.

    Where the scheduler is at work on runs, this one too perhaps, it is waited for: one run is done by one process.
    """
    while True:
        with held(runtime().settings.data / LOCK) as is_mine:
            if is_mine:
                return _carried_out(run.id, progress)
        time.sleep(PAUSE)


def _carried_out(number: int, progress: Progress) -> Run:
    run = _present(number)
    if run.is_open:
        result = carry_out(run, progress=progress)
        _close(number, rule_runs.DONE, result=cast("dict[str, Any]", result))
    return _present(number)


def _present(number: int) -> Run:
    with reading():
        return as_run(cast("RuleRun", rule_runs.run_of(number)))
