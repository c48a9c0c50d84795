"""Papers of a case: made from its sealed entries and its household, each with no more than its row names."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from app.labels import Labels, Speech, bare, changed_values, duration, masked_phone, short_area
from app.paper_list import TIMERS, Paper, papers
from app.roster import codes
from app.services import cases, evidence, lists
from app.services.cases import CaseView
from app.services.papers import conditions
from app.services.papers.made import LANGUAGE, Made, Option, ensure_may, made, may, paper_named, words_of
from app.store import bundles as store
from app.store.transaction import reading
from workflows.errors import BadValue, NotFound, PaperNotReady
from workflows.machine import Compiled
from workflows.model import Actor

SAID = ("opinion", "reason", "told_reason", "visit_note", "measure_note", "plan_text", "publicity_result")
MOST = 200  # papers that one request prints; the command line takes as many as are named
AREA = re.compile("[0-9]{12}|[0-9]{15}")
Entry = Mapping[str, Any]


def options_of(actor: Actor, view: CaseView) -> list[Option]:
    """Return the papers of a case in order: what can be printed now, and why not."""
    found = [paper for paper in papers().values() if _fits(paper, view)]
    return [
        Option(one, is_ready=_is_ready(one, view), after=_missing(one, view), is_mine=may(actor, one) and view.is_whole)
        for one in found
    ]


def of_case(actor: Actor, *, case: str, paper: str, blank: bool = False) -> Made:
    """Return a paper of a case; raises NotFound (case, or no such paper of it), NotAllowed or PaperNotReady."""
    row = paper_named(paper)
    ensure_may(actor, row)
    view = cases.case_view(actor, case=case)
    if not _fits(row, view) or not view.is_whole or (blank and not row.blank):
        raise NotFound(paper=paper)
    if not blank and not _is_ready(row, view):
        raise PaperNotReady(paper=paper, action=row.after[0])
    return paper_of(actor, row, view, blank=blank)


def of_cases(actor: Actor, *, cases: Sequence[str], paper: str, blank: bool = False) -> list[Made]:
    """Return a paper of several cases, in the order asked for; raises as ``of_case`` does for the first that fails."""
    if not 0 < len(cases) <= MOST:
        raise BadValue(field="case", value=str(len(cases)))
    return [of_case(actor, case=number, paper=paper, blank=blank) for number in dict.fromkeys(cases)]


def cases_of_area(actor: Actor, *, paper: str, area: str) -> list[str]:
    """Return the cases of an area of which a paper may be, of each household the newest, by number.

    Raises NotFound for an area that is none or has no such case that the person sees, NotAllowed.
    """
    row = paper_named(paper)
    ensure_may(actor, row)
    with reading():
        fits = AREA.fullmatch(area)
        found = store.cases_of_kind(lists.scope_of(actor), area, row.definition, row.purposes) if fits else []
    if not found:
        raise NotFound(area=area[:15])
    return found


def paper_of(actor: Actor, row: Paper, view: CaseView, *, blank: bool = False) -> Made:
    """Return one paper of a case that was read."""
    words = words_of(view.household.village, view.now)
    labels = Labels(words, view.compiled)
    facts = Facts(view, words, row, blank=blank)
    values = {
        **{name: getattr(facts, name)() for name in row.shows},
        "field": field_values(row, labels, {} if blank else facts.latest()),
        "acts": {name: [] if blank else facts.signatures(name) for name in row.acts},
    }
    office, issuer = facts.office_of(row), view.household.township if row.source == "township" else ""
    more: dict[str, Any] = {"office": office, "issuer": issuer, "blank": blank}
    pictures = pictures_of(actor, view, values)
    return made(row, words, values, subject=view.case.number, now=view.now, pictures=pictures, **more)


def pictures_of(actor: Actor, view: CaseView, values: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the shown copies of a paper's pictures by digest of the original; FileAltered for one that was changed."""
    county = view.case.county
    wanted = [one["picture"] for one in values.get("photos", ())]
    return {digest: evidence.open_file(actor, county=county, sha256=digest)[0] for digest in wanted}


def field_values(row: Paper, labels: Labels, latest: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return label and value of each field that a paper shows; empty where nothing was recorded."""
    return {name: {"label": bare(labels.field(name)), "value": latest.get(name, "")} for name in row.fields}


def _fits(paper: Paper, view: CaseView) -> bool:
    of_kind = paper.of == "case" and paper.definition in ("", view.case.definition)
    return of_kind and (not paper.purposes or view.case.purpose in paper.purposes)


def _is_ready(paper: Paper, view: CaseView) -> bool:
    return not paper.after or any(entry["action"] in paper.after for entry in view.entries)


def _missing(paper: Paper, view: CaseView) -> tuple[str, ...]:
    return () if _is_ready(paper, view) else paper.after


class Facts:
    """What can be said on paper of a case and its household; each method is a value that a row may name."""

    def __init__(self, view: CaseView, words: Speech, row: Paper, *, blank: bool = False) -> None:
        self.view, self.words, self.row, self.blank = view, words, row, blank
        codes = {entry["actor"]["office"] for entry in view.entries} | set(self._places())
        self.areas = lists.area_names(codes)

    def _places(self) -> tuple[str, str, str]:
        row = self.view.household
        return f"{row.county:0<12}", row.township, row.village

    def _area(self, place: int) -> str:
        code = self._places()[place]
        return short_area(self.areas.get(code, code))

    def head(self) -> str:
        """Name of the head of the household."""
        return self.view.household.head_name

    def number(self) -> str:
        """Number of the household."""
        return self.view.household.number

    def national(self) -> str:
        """Number of the household in the national system, empty where it has none yet."""
        return self.view.household.national_number or ""

    def group(self) -> str:
        """The villagers' group."""
        return self.view.household.group_name

    def village(self) -> str:
        """Name of the village, without what it lies in."""
        return self._area(2)

    def committee(self) -> str:
        """The village committee, by the full name of the village."""
        return self.areas.get(self.view.household.village, "")

    def township(self) -> str:
        """Name of the township or street."""
        return self._area(1)

    def county(self) -> str:
        """Name of the county."""
        return self._area(0)

    def place(self) -> str:
        """The address as far as it is known: township, village, group."""
        return f"{self.township()}{self.village()}{self.group()}"

    def purpose(self) -> str:
        """What the case is for, by its id."""
        return self.view.case.purpose

    def member_count(self) -> str:
        """How many people belong to the household."""
        return str(self.view.household.member_count)

    def household_kind(self) -> str:
        """What kind of household it is."""
        return self.words.say(f"kind.{self.view.household.kind}")

    def phone(self) -> str:
        """The telephone, its middle hidden: the household writes it in full itself."""
        return masked_phone(self.view.household.phone)

    def members(self) -> list[dict[str, str]]:
        """All members; the number of identity is masked, the household writes it in full itself."""
        return [
            {"name": m.name, "relation": _code(codes.RELATION, m.relation), "sex": _code(codes.SEX, m.sex),
             "born": m.born, "id": m.id_masked}
            for m in self.view.members
        ]  # fmt: skip

    def latest(self) -> dict[str, str]:
        """Each field of the case as its last entry has it, in words; an erased one says so."""
        found: dict[str, str] = {}
        for entry in self.view.entries:
            found |= {row["name"]: row["after"] for row in self._changed(entry)}
        return found

    def _changed(self, entry: Entry) -> list[dict[str, str]]:
        labels = Labels(self.words, self.view.compiled).of_act(entry)
        return changed_values(labels, entry, self.view.values)

    def signatures(self, action: str) -> list[dict[str, Any]]:
        """Whoever did an act, in order: name, role, office, day, what was said and what was recorded."""
        return [self._signature(entry) for entry in self.view.entries if entry["action"] == action]

    def _signature(self, entry: Entry) -> dict[str, Any]:
        labels = Labels(self.words, self.view.compiled).of_act(entry)
        actor, changed = entry["actor"], self._changed(entry)
        said = "；".join(row["after"] for row in changed if row["name"] in SAID)
        absent = (entry.get("behalf") or {}).get("name", "")
        named = labels.speech.say("absence.x_for_y", name=actor["name"], absent=absent) if absent else actor["name"]
        known = {row["name"]: row["after"] for row in changed}
        return {
            "label": labels.action(entry["action"]),
            "name": named,
            "role": labels.speech.role(actor["role"]),
            "office": short_area(self.areas.get(actor["office"], "")),
            "day": labels.speech.date(entry["at"]),
            "said": said,
            "value": {name: known.get(name, "") for name in self.row.fields},
            "evidence": [labels.evidence(item["kind"]) for item in entry["evidence"]],
        }

    def photos(self) -> list[dict[str, str]]:
        """The pictures handed in, in order: digest of the original, kind and day; scans are no pictures."""
        return [
            {"picture": item["sha256"], "label": labels.evidence(item["kind"]), "day": self.words.date(entry["at"])}
            for entry in self.view.entries
            for labels in (Labels(self.words, self.view.compiled).of_act(entry),)
            for item in entry["evidence"]
            if item["mime"] != "application/pdf" and item["kind"] in (self.row.photos or (item["kind"],))
        ]

    def limits(self) -> dict[str, str]:
        """How long the periods of a household take, in words; empty where the place sets none."""
        return limits_of(self.view.compiled, self.words)

    def conditions(self) -> list[dict[str, str]]:
        """What the place asks for before a risk counts as eliminated, each with its clause and what the record says."""
        if self.blank:
            return conditions.of_place(self.view.compiled, self.words)
        rows = [(entry, self._changed(entry)) for entry in self.view.entries]
        return conditions.of_case(self.view, self.words, conditions.sources_of(self.words, rows))

    def support(self) -> list[str]:
        """Visits and measures on record."""
        return [] if self.blank else conditions.support_of(self.view, self.words)

    def office_of(self, row: Paper) -> str:
        """The office that signs a paper: the county's lead, the township, or the village committee."""
        if row.of == "county" or row.source == "county":
            return f"{self.county()}{self.words.say('office.lead').removeprefix('县')}"
        township = self.areas.get(self._places()[1], "")
        return government(township) if row.source == "township" else self.areas.get(self._places()[2], "")


def government(township: str) -> str:
    """Return the government of a township; a street has an office of the district's instead."""
    return f"{township}办事处" if township.endswith("街道") else f"{township}人民政府"


def limits_of(compiled: Compiled, words: Speech) -> dict[str, str]:
    """Return what the pack in force says of the periods that concern a household."""
    found = {name: compiled.pack.limit(f"{compiled.definition.id}.{name}", words.day) for name in TIMERS}
    return {name: duration(words, one.duration, one.bound) if one else "" for name, one in found.items()}


def _code(table: codes.Table, name: str) -> str:
    return codes.label(table, name, language=LANGUAGE) or name


def ready_of(actor: Actor, view: CaseView) -> Sequence[Made]:
    """Return all papers of a case that the person may print filled now, in order."""
    return [paper_of(actor, one.paper, view) for one in options_of(actor, view) if one.is_ready and one.is_mine]
