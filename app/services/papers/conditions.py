"""The conditions of elimination as far as the record answers them: met or not, by which figures, from which entry.

Nothing is guessed: a condition whose facts are not all on record stays blank, for people to write on.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from app.labels import Labels, Speech, money
from app.runtime import runtime
from app.services.cases import CaseView, ensure_sealed
from app.store import cases as store
from app.store.transaction import reading
from workflows.guards import ASSISTED, CONDITIONS, Context
from workflows.income import PER_HEAD
from workflows.machine import Compiled
from workflows.model import system_actor
from workflows.policy import Condition

LEAVING = "eliminate"
UNANSWERED = {"met": "", "basis": ""}
Entry = Mapping[str, Any]
Sources = Mapping[str, tuple[str, str]]  # of a field: its value in words, and the entry that last recorded it


def of_place(compiled: Compiled, words: Speech) -> list[dict[str, str]]:
    """Return the conditions of the pack in force, none of them answered."""
    labels = Labels(words, compiled)
    fitting = [one for one in compiled.pack.conditions if not one.purposes or LEAVING in one.purposes]
    return [{**_named(one, labels), **UNANSWERED} for one in fitting]


def of_case(view: CaseView, words: Speech, sources: Sources) -> list[dict[str, str]]:
    """Return the conditions that the case's own pack asks for, answered as the record stands."""
    return _Answers(view, words, sources).rows()


def support_of(view: CaseView, words: Speech) -> list[str]:
    """Return what the household's assistance has on record: visits and measures, when the last, and its entry."""
    assist = view.dossier.latest("assist")
    if assist is None:
        return []
    with reading():
        chain = store.entries_of(view.case.county, assist.number)
    ensure_sealed(assist, chain, [])
    entries = [entry.body for entry in chain]
    acts = (("record_visit", "visit_on", "walks"), ("deliver_measure", "measure_on", "measures"))
    return [text for action, day, name in acts for text in _counted(entries, action, day, name, words)]


def source_of(words: Speech, entry: Entry) -> str:
    """Return how an entry is named as a source: case, number and day."""
    return words.say("papers.source", case=entry["case"], seq=entry["seq"], day=words.date(entry["at"]))


def _counted(entries: Sequence[Entry], action: str, day: str, name: str, words: Speech) -> Iterator[str]:
    found = [entry for entry in entries if entry["action"] == action]
    dated = [(str(one["changes"][day]["after"]), one) for one in found if day in one["changes"]]
    if dated:
        last, entry = max(dated, key=lambda pair: (pair[0], pair[1]["seq"]))
        said = words.date(date.fromisoformat(last))
        yield words.say(f"papers.{name}", count=len(found), day=said, source=source_of(words, entry))


def _named(one: Condition, labels: Labels) -> dict[str, str]:
    return {"label": labels.condition(one.id), "clause": labels.clause(one.clause) if one.clause else ""}


class _Answers:
    def __init__(self, view: CaseView, words: Speech, sources: Sources) -> None:
        self.view, self.words, self.sources = view, words, sources
        self.labels = Labels(words, view.compiled)
        form = next(iter(view.compiled.definition.actions.values()))  # no test of a condition looks at it
        calendar = runtime().rules.calendar_for(view.case.county)
        actor = system_actor(view.case.county)
        self.context = Context(view.compiled, view.dossier, view.case, form, actor, view.now, calendar)

    def rows(self) -> list[dict[str, str]]:
        fitting = [one for one in self.view.compiled.pack.conditions if LEAVING in one.purposes]
        return [{**_named(one, self.labels), **self._answered(one)} for one in fitting]

    def _answered(self, one: Condition) -> dict[str, str]:
        # A case without a way of elimination counts as assisted, as at the guards: that asks for more.
        fields = {"elimination_mode": ASSISTED, **self.view.case.fields}
        for known, name in ((one.modes, "elimination_mode"), (one.categories, "category")):
            if known and not fields.get(name):
                return UNANSWERED
            if known and fields[name] not in known:
                return {"met": self.words.say("papers.not_asked"), "basis": self._field(name)}
        basis = BASES[one.test](self, one) if one.test in BASES else ""
        if not basis:
            return UNANSWERED
        met = CONDITIONS[one.test](self.context, one)
        return {"met": self.words.say("ui.yes" if met else "ui.no"), "basis": basis}

    def _field(self, name: str) -> str:
        """A recorded field with its entry, empty where it is not on record."""
        value, source = self.sources.get(name, ("", ""))
        is_known = self.view.case.fields.get(name) is not None and value
        return f"{self.labels.field(name)}：{value}（{source}）" if is_known else ""

    def fields(self, one: Condition) -> str:
        """All of the facts that it asks for, or nothing."""
        found = [self._field(name) for name in one.needs["fields"]]
        return "；".join(found) if all(found) else ""

    def income(self, one: Condition) -> str:
        """Income per head beside the line of the day."""
        line = self.view.compiled.pack.parameter("income_line", self.context.today).value
        said = self._field(PER_HEAD)
        return f"{said}；{self.words.say('papers.line', amount=money(line))}" if said else ""

    def monitored(self, one: Condition) -> str:
        """Since when the household has been monitored."""
        status = self.view.dossier.latest("monitor_status")
        since = status.fields.get("included_on") if status else None
        if not status or not since:
            return ""
        day, today = self.words.date(date.fromisoformat(since)), self.words.date(self.context.today)
        return self.words.say("papers.monitored_since", day=day, today=today, case=status.number)

    def counted(self, one: Condition) -> str:
        """How often it was recorded in the case that counts it."""
        case = self.view.dossier.latest(one.needs["definition"])
        if case is None:
            return ""
        count = case.fields.get(one.needs["field"], 0)
        return self.words.say("papers.counted", count=count, case=case.number)

    def developmental(self, one: Condition) -> str:
        """Labour in the household as verified, and the developmental measures that it received."""
        labour, assist = self._field("labour_members"), self.view.dossier.latest("assist")
        if not labour or (self.view.case.fields["labour_members"] and assist is None):
            return ""
        count = assist.fields.get("developmental_measures", 0) if assist else 0
        told = self.words.say("papers.counted", count=count, case=assist.number) if assist else ""
        return "；".join(part for part in (labour, told) if part)


BASES = {
    "fields_true": _Answers.fields,
    "fields_positive": _Answers.fields,
    "any_positive": _Answers.fields,
    "income_above_line": _Answers.income,
    "included_for": _Answers.monitored,
    "counted": _Answers.counted,
    "developmental_measure": _Answers.developmental,
}


def sources_of(
    words: Speech, entries: Sequence[tuple[Entry, Sequence[Mapping[str, str]]]]
) -> dict[str, tuple[str, str]]:
    """Return for each field what was last recorded, in words, and the entry that recorded it."""
    return {row["name"]: (row["after"], source_of(words, entry)) for entry, rows in entries for row in rows}
