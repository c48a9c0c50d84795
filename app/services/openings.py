"""Openings: the status of households that were monitored or eliminated before this system was used, from a roster.

Each is an entry of the household's own chains, marked as imported, signed by who imports, with the dates of then. A
month counts as its last day, so that no minimum is met and no watch ends too early; both are our own choice.
"""

import secrets
from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from app.labels import Speech, refusal_sentence
from app.roster import RowError
from app.services.cases import judge, loaded_rules, own_key
from app.services.prepared import Prepared
from app.store import cases as store
from app.store import people
from workflows.clock import local_date
from workflows.errors import Refused
from workflows.model import Actor, Command, Dossier, Office, Subject

STATUS, HELP = "monitor_status", "assist"
OPENERS = ("county_lead", "township_officer")
NO_NUMBER = "H0000000"

# Heading, Chinese and English by code.
FAULTS: Mapping[str, tuple[str, str, str]] = {
    "opening_undated": (
        "识别监测时间",
        "填写了监测对象类别，却没有识别监测时间，不能登记期初状态。",
        "There is a category but no time of identification, so that no opening can be entered.",
    ),
    "opening_uncategorised": (
        "监测对象类别",
        "填写了识别监测时间，却没有监测对象类别，不能登记期初状态。",
        "There is a time of identification but no category, so that no opening can be entered.",
    ),
    "helper_unknown": (
        "帮扶责任人",
        "没有姓名或用户名为“{what}”、辖区包含本村的在任帮扶责任人；请先导入人员。",
        "No helper in office here has the name or log-in name “{what}”; import the staff first.",
    ),
    "helper_own": (
        "帮扶责任人",
        "“{what}”是本户成员，不能帮扶自家。",
        "“{what}” belongs to this household and can't be its helper.",
    ),
    "helper_ambiguous": (
        "帮扶责任人",
        "有多位名为“{what}”的帮扶责任人；请改填用户名。",
        "Several helpers are called “{what}”; write the log-in name instead.",
    ),
}


@dataclass(frozen=True)
class Helper:
    """A helper in office: account, names, person key and where."""

    id: str
    username: str
    name: str
    person: str
    office: Office


@dataclass
class Openings:
    """The openings of one import: whether they are wanted, by whom, when, from which file."""

    actor: Actor
    now: datetime
    file: str
    is_wanted: bool
    count: int = 0
    _helpers: dict[str, list[Helper]] = field(default_factory=dict)  # by county

    def is_for(self, one: Prepared) -> bool:
        """Tell whether a household of the roster asks for an opening."""
        return self.is_wanted and bool(one.status.identified or one.status.category)

    def state_of(self, one: Prepared) -> str:
        """Return the state in which a household's status opens."""
        if one.status.eliminated:
            return "eliminated_observing"
        return "active_safety_net" if one.status.is_safety_net else "active"

    def faults(self, one: Prepared, area: str) -> list[RowError]:
        """Return why a household can't be opened, by deciding it as if it were; empty when it can."""
        if not one.status.identified or not one.status.category:
            return [_fault(one, "opening_undated" if one.status.category else "opening_uncategorised")]
        helpers = self._named(one, area)
        if one.status.helper and len(helpers) != 1:
            return [_fault(one, "helper_ambiguous" if helpers else "helper_unknown")]
        if any(helper.person == member.id_key for helper in helpers for member in one.members):
            return [_fault(one, "helper_own")]
        try:
            self.decide(f"{one.county}{NO_NUMBER}", area, one)
        except Refused as refused:
            return [self._refused(one, refused)]
        return []

    def decide(self, number: str, area: str, one: Prepared, dossier: Dossier | None = None) -> list[store.Decided]:
        """Decide the opening of a household's status and of its help; raises Refused."""
        subject = Subject(
            "household", number, one.county, area, one.head_name, one.kind, frozenset(m.id_key for m in one.members)
        )
        first = self._decide(dossier or Dossier(subject), STATUS, *self._status(one))
        following = first.dossier.with_case(first.outcome.case)
        if following.latest(HELP):
            return [first]
        return [first, self._decide(following, HELP, *self._help(one, area))]

    def record(self, rows: Iterable[tuple[str, str, Prepared]], dossiers: Mapping[str, Dossier]) -> int:
        """Record the openings of some households (number, area, row) that have no status yet; return how many."""
        decided: list[store.Decided] = []
        count = 0
        for number, area, one in rows:
            dossier = dossiers.get(number)
            if self.is_for(one) and not (dossier and dossier.latest(STATUS)):
                decided += self.decide(number, area, one, dossier)
                count += 1
        if decided:
            store.record(loaded_rules(), *decided)
        return count

    def _decide(self, dossier: Dossier, definition: str, action: str, data: Mapping[str, Any]) -> store.Decided:
        number = dossier.subject.number
        command = Command(
            action=action,
            key=own_key(self.actor, f"import-{self.file[:16]}-{number}-{definition}"),
            salt_seed=secrets.token_bytes(32),
            definition=definition,
            data={**data, "imported_file": self.file},
            is_opening=True,
        )
        judged = judge(self.actor, store.Locked(dossier, "", self.now), command, now=self.now)
        assert isinstance(judged, store.Decided)  # noqa: S101 - narrows the type; no key of an import was used before
        return judged

    def _status(self, one: Prepared) -> tuple[str, dict[str, Any]]:
        today, status = local_date(self.now), one.status
        data: dict[str, Any] = {
            "category": status.category,
            "risks": list(status.risks),
            "included_on": day_of(status.identified, today),
        }
        if status.eliminated:
            return "open_eliminated", {**data, "eliminated_on": day_of(status.eliminated, today)}
        return "open_safety_net" if status.is_safety_net else "open_active", data

    def _help(self, one: Prepared, area: str) -> tuple[str, dict[str, Any]]:
        data: dict[str, Any] = {"measures_before": list(one.status.measures)}
        helpers = self._named(one, area)
        if helpers:
            data["helper"] = {"id": helpers[0].id, "name": helpers[0].name, "person": helpers[0].person}
        if one.status.eliminated:
            return "open_watched", data
        return "open_helped" if helpers else "open_unassigned", data

    def _named(self, one: Prepared, area: str) -> list[Helper]:
        """The helpers in office over a household whom the roster names by log-in name or, else, by name."""
        named = one.status.helper
        if not named:
            return []
        if one.county not in self._helpers:
            self._helpers[one.county] = _helpers_of(one.county, self.now)
        here = [h for h in self._helpers[one.county] if h.office.covers(area)]
        by_username = {h.id: h for h in here if h.username == people.canonical(named)}
        return list(by_username.values()) or list({h.id: h for h in here if h.name == named}.values())

    def _refused(self, one: Prepared, refused: Refused) -> RowError:
        said = [refusal_sentence(Speech(lang, local_date(self.now)), refused) for lang in ("zh", "en")]
        return RowError(one.row, "识别监测时间", "", refused.code, *said)


def day_of(text: str, today: date) -> str:
    """Return a month (YYYYMM) as its last day, or a day as such, in ISO form; never after today."""
    year, month = int(text[:4]), int(text[4:6])
    day = int(text[6:8]) if len(text) == len("YYYYMMDD") else monthrange(year, month)[1]
    return min(date(year, month, day), today).isoformat()


def _helpers_of(county: str, now: datetime) -> list[Helper]:
    return [
        Helper(f"u{row.id}", row.username, row.name, row.person, Office("helper", row.area))
        for row in people.holders_within("helper", county, now)
    ]


def _fault(one: Prepared, code: str) -> RowError:
    column, chinese, english = FAULTS[code]
    what = one.status.helper
    return RowError(one.row, column, what, code, chinese.format(what=what), english.format(what=what))


def dossiers_of(county: str, numbers: Sequence[str]) -> dict[str, Dossier]:
    """Return the dossiers of registered households, under lock."""
    return {number: locked.dossier for number, locked in store.lock_dossiers(county, numbers).items()}
