"""A rehearsal: what other rules would do to every running case of a county, without touching one."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from app.labels import Speech
from app.services import rule_words
from app.services.cases import ensure_rules
from app.services.isolated import never
from app.services.rule_words import LANGUAGES
from app.store import cases as store
from app.store import rule_runs
from app.store.transaction import reading
from workflows.clock import parse_utc
from workflows.machine import Compiled
from workflows.model import Case, Dossier
from workflows.registry import Rules
from workflows.repin import Fit, Roles, Shift, fit, shifts

BATCH = 1_000  # households at a time: what is held in memory
MOST_LISTED = 200  # cases that a report names; the rest are counted

Progress = Callable[[int], None]
Pin = tuple[str, str]


@dataclass(frozen=True)
class Step:
    """One running case with the machine that it is pinned to and the one that it would move to."""

    dossier: Dossier
    case: Case
    old: Compiled
    new: Compiled

    @property
    def is_change(self) -> bool:
        """Tell whether the case would be pinned to other texts."""
        return pin_of(self.new) != (self.case.definition_digest, self.case.policy_digest)


def pin_of(compiled: Compiled) -> Pin:
    """Return the digests that a machine is made from."""
    return compiled.definition.digest, compiled.pack.digest


class Rehearsal:
    """Goes through a county's running cases and keeps count; ``on`` is the day whose rules they would move to."""

    def __init__(self, kept: Rules, wanted: Rules, on: date) -> None:
        self.kept, self.wanted, self.on = kept, wanted, on
        self.found = Found()
        self._fits: dict[tuple[Pin, Pin, str, str, tuple[str, ...]], Fit] = {}
        self._targets: dict[tuple[str, str, str], Compiled] = {}

    def look(self, dossier: Dossier, now: datetime) -> None:
        """Count one household's running cases."""
        for step in self.steps(dossier):
            self.found.cases += 1
            if step.is_change:
                self._count(step, now)

    def steps(self, dossier: Dossier) -> Iterator[Step]:
        """Return the open cases of a household, each with its two machines."""
        ensure_rules(self.kept, dossier)
        for case in dossier.cases:
            if not case.closed:
                yield Step(dossier, case, self.kept.machine_of(case), self._target(case, dossier.subject.area))

    def _target(self, case: Case, area: str) -> Compiled:
        key = (case.definition, area, case.purpose)
        if key not in self._targets:
            self._targets[key] = self.wanted.current(*key, self.on)
        return self._targets[key]

    def fit(self, step: Step) -> Fit:
        """Return how a case fits its new machine; cases that stand alike are looked at once."""
        case, done = step.case, tuple(step.case.fields.get("_done", ()))
        key = (pin_of(step.old), pin_of(step.new), case.purpose, case.state, done)
        if key not in self._fits:
            self._fits[key] = fit(step.old, step.new, case.state, done)
        return self._fits[key]

    def _count(self, step: Step, now: datetime) -> None:
        found, case, fits = self.found, step.case, self.fit(step)
        found.changed += 1
        found.packs[step.new.pack.id, step.new.pack.digest] += 1
        found.pairs.setdefault((step.old.pack.digest, step.new.pack.digest), (step.old, step.new))
        if fits.obstacle:
            found.stuck[case.definition, case.state, fits.obstacle] += 1
            _list(found.stuck_cases, {"case": case.number, "state": case.state, "reason": fits.obstacle})
            return
        found.skipped.update((case.definition, name) for name in fits.skipped)
        found.repeated.update((case.definition, name) for name in fits.repeated)
        township = f"{step.dossier.subject.area[:9]}000"
        for roles, more in fits.work.items():
            found.work[roles][township] += more
        calendar = self.wanted.calendar_for(case.county)
        for shift in shifts(step.old, step.new, step.dossier, case, calendar=calendar, now=now):
            self._count_shift(case, shift, now)

    def _count_shift(self, case: Case, shift: Shift, now: datetime) -> None:
        counted = self.found.deadlines[case.definition, shift.kind]
        counted[what_of(shift)] += 1
        if becomes_late(shift, now):
            counted["late"] += 1
            before, after = (clock.due if clock else "" for clock in (shift.before, shift.after))
            _list(self.found.late_cases, {"case": case.number, "timer": shift.kind, "before": before, "after": after})


def what_of(shift: Shift) -> str:
    """Return what becomes of a period: ended, begun, earlier, later, or only another clause (``clause``)."""
    if shift.before is None or shift.after is None:
        return "begun" if shift.after else "ended"
    if shift.before.due == shift.after.due:
        return "clause"
    return "earlier" if shift.after.due < shift.before.due else "later"


def becomes_late(shift: Shift, now: datetime) -> bool:
    """Tell whether a maximum that still had time would have none left."""
    before, after = shift.before, shift.after
    if before is None or after is None or after.bound != "max":
        return False
    return parse_utc(after.due) <= now < parse_utc(before.due)


def _list(names: list[dict[str, str]], item: dict[str, str]) -> None:
    if len(names) < MOST_LISTED:
        names.append(item)


@dataclass
class Found:
    """What a rehearsal has counted so far."""

    cases: int = 0
    changed: int = 0
    packs: Counter[Pin] = field(default_factory=Counter)
    pairs: dict[Pin, tuple[Compiled, Compiled]] = field(default_factory=dict)
    stuck: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    stuck_cases: list[dict[str, str]] = field(default_factory=list)
    skipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    repeated: Counter[tuple[str, str]] = field(default_factory=Counter)
    deadlines: defaultdict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    late_cases: list[dict[str, str]] = field(default_factory=list)
    work: defaultdict[Roles, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def as_json(self) -> dict[str, Any]:
        """Return the report as it is kept with the run."""
        return {
            "cases": self.cases,
            "changed": self.changed,
            "packs": [{"pack": p, "digest": d, "cases": n} for (p, d), n in sorted(self.packs.items())],
            "stuck": [
                {"definition": d, "state": s, "reason": r, "cases": n} for (d, s, r), n in self.stuck.most_common()
            ],
            "stuck_cases": self.stuck_cases,
            "skipped": _steps(self.skipped),
            "repeated": _steps(self.repeated),
            "deadlines": [{"definition": d, "timer": t, **n} for (d, t), n in sorted(self.deadlines.items())],
            "late_cases": self.late_cases,
            "work": [
                {"roles": list(roles), "more": townships.total(), "townships": dict(townships.most_common())}
                for roles, townships in sorted(self.work.items(), key=lambda item: -item[1].total())
            ],
        }


def _steps(counted: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    return [{"definition": d, "step": s, "cases": n} for (d, s), n in sorted(counted.items())]


def rehearse(
    county: str,
    kept: Rules,
    wanted: Rules,
    *,
    on: date,
    progress: Progress = lambda _: None,
    stop: Callable[[], bool] = never,
) -> dict[str, Any] | None:
    """Return what would become of a county's running cases under the rules ``wanted`` as of a day; None when stopped.

    ``kept`` are the rules of the installation, from which cases find the texts that they are pinned to.
    """
    run = Rehearsal(kept, wanted, on)
    for dossiers, now in dossiers_of(county):
        if stop():
            return None
        for dossier in dossiers:
            run.look(dossier, now)
        progress(len(dossiers))
    return {**run.found.as_json(), "changes": list(_changes(run.found.pairs.values(), wanted, on))}


def _changes(pairs: Iterable[tuple[Compiled, Compiled]], rules: Rules, on: date) -> Iterator[dict[str, Any]]:
    """What differs between the packs that cases follow and those that they would, in both languages."""
    for before, after in pairs:
        old, new = before.pack, after.pack
        lines = {lang: rule_words.said_between(Speech(lang, on, new.area), before, after, rules) for lang in LANGUAGES}
        said = {lang: [row["text"] for row in rows] for lang, rows in lines.items()}
        yield {"pack": new.id, "label": dict(new.label), "from": old.digest, "to": new.digest, **said}


def dossiers_of(county: str) -> Iterator[tuple[Sequence[Dossier], datetime]]:
    """Yield the households that have running cases, many at a time, each time as they stand then."""
    after = ""
    while True:
        with reading() as now:
            numbers = rule_runs.households(county, after, BATCH)
            dossiers = store.read_dossiers(county, numbers) if numbers else []
        if not numbers:
            return
        yield dossiers, now
        after = numbers[-1]
