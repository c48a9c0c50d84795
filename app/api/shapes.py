"""What the API says of cases and households: ids for machines beside labels for people, masked as on the pages."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import g, url_for

from app.api.problems import plain
from app.labels import Labels, Speech, changed_values, masked_phone, refusal_sentence
from app.runtime import runtime
from app.services.cases import CaseView
from app.services.lists import CaseLine, House, Person
from app.services.several import Answer
from app.views.casepage import absent_of, actor_name, office_of
from app.views.errors import code_of
from app.views.household import people_rows
from app.views.shown import labels_for, speech
from workflows.clock import utc_text
from workflows.decide import Allowed
from workflows.definition import Field
from workflows.errors import NotFound, Refused
from workflows.machine import Compiled
from workflows.model import Case, Clock


def named(identifier: str, label: str) -> dict[str, str]:
    """Return an id with its label."""
    return {"id": identifier, "label": label}


def labels_of(compiled: Compiled, area: str, now: datetime) -> Labels:
    """Return the labels of a machine, also for the sentence of a refusal that may follow."""
    labels = labels_for(compiled, speech(area, now=now))
    g.case_labels = labels
    return labels


def case_body(view: CaseView, labels: Labels, areas: Mapping[str, str]) -> dict[str, Any]:
    """Return a case as its page shows it."""
    case, words = view.case, labels.speech
    return {
        **case_head(case, labels),
        "head": case.head,
        "rules": named(case.policy, words.pick(view.compiled.pack.label)),
        "waits_for": [named(role, words.role(role)) for role in view.compiled.waits_for(case.state)],
        "clocks": [clock_body(labels, clock, view.now) for clock in sorted(case.clocks.values(), key=lambda c: c.due)],
        "household": household_part(view, words, areas),
        "cases": [other_case(one, words) for one in view.dossier.cases],
        "entries": [entry_body(labels, entry, view, areas) for entry in view.entries],
        "allowed_actions": [allowed_body(labels, allowed) for allowed in view.allowed],
        "as_of": utc_text(view.now),
        "is_past": bool(view.as_of),
    }


def case_head(case: Case, labels: Labels) -> dict[str, Any]:
    """Return what every answer says of a case."""
    return {
        "number": case.number,
        "version": case.seq,
        "definition": named(case.definition, labels.definition()),
        "purpose": named(case.purpose, labels.purpose(case.purpose)),
        "state": named(case.state, labels.state(case.state)),
        "closed": case.closed,
        "opened_at": case.opened_at,
    }


def other_case(case: Case, words: Speech) -> dict[str, Any]:
    """Return another case of the same household."""
    return case_head(case, labels_for(runtime().rules.machine_of(case), words))


def clock_body(labels: Labels, clock: Clock, now: datetime) -> dict[str, Any]:
    """Return a running period: frozen start, exclusive end, the last day, how much is left."""
    labels = labels.of_clock(clock)
    words = labels.speech
    return {
        "kind": clock.kind,
        "label": labels.timer(clock.kind),
        "bound": clock.bound,
        "start": clock.start,
        "due": clock.due,
        "last_day": words.last_day(clock.due),
        "left": words.left(clock.due, now),
        "clause": labels.clause(clock.clause) if clock.clause else "",
        "provisional": clock.provisional,
        "limit": clock.limit,
        "paused": clock.is_paused,
        "extended": list(clock.extended),
    }


def household_part(view: CaseView, words: Speech, areas: Mapping[str, str]) -> dict[str, Any]:
    """Return the household of a case; number of identity and telephone are masked."""
    row = view.household
    members = [Person(m.name, m.relation, m.sex, m.born, m.id_masked) for m in view.members]
    return {
        "number": row.number,
        "national_number": row.national_number or "",
        "head_name": row.head_name,
        "kind": named(row.kind, words.say(f"kind.{row.kind}")),
        "township": named(row.township, areas.get(row.township, "")),
        "village": named(row.village, areas.get(row.village, "")),
        "group": row.group_name,
        "phone_masked": masked_phone(row.phone),
        "members": people_rows(members, words, view.now),
    }


def entry_body(labels: Labels, entry: Mapping[str, Any], view: CaseView, areas: Mapping[str, str]) -> dict[str, Any]:
    """Return one entry of the journal, values as people read them, in the words of its own day."""
    labels = labels.of_act(entry)
    words, actor = labels.speech, entry["actor"]
    is_system = actor["id"] == "system"
    return {
        "seq": entry["seq"],
        "at": entry["at"],
        "action": named(entry["action"], labels.action(entry["action"])),
        "actor": actor_name(words, entry),
        "office": "" if is_system else office_of(words, actor, areas),
        "source": entry["source"],
        "target": entry["target"],
        "changes": changed_values(labels, entry, view.values),
        "evidence": [evidence_body(labels, item, entry["county"]) for item in entry["evidence"]],
        "ended": [
            {"kind": item["kind"], "label": labels.timer(item["kind"]), "how": item["how"], "due": item["due"]}
            for item in entry["deadlines"]["ended"]
        ],
        "clauses": [labels.clause(clause) for clause in entry["clauses"]],
    }


def evidence_body(labels: Labels, item: Mapping[str, Any], county: str) -> dict[str, Any]:
    """Return one sealed piece of evidence and where its shown copy is."""
    return {
        "kind": item["kind"],
        "label": labels.evidence(item["kind"]),
        "sha256": item["sha256"],
        "bytes": item["bytes"],
        "mime": item["mime"],
        "url": url_for("api_evidence.download", county=county, sha256=item["sha256"]),
    }


def reason_body(labels: Labels, refusal: Refused) -> dict[str, Any]:
    """Return why something may not be done."""
    return reason_in(labels.speech, refusal, labels)


def reason_in(words: Speech, refusal: Refused, labels: Labels | None) -> dict[str, Any]:
    """Return why something may not be done, also of a case that the reader does not see."""
    return {
        "code": code_of(refusal),
        "sentence": refusal_sentence(words, refusal, labels),
        "params": plain(refusal.params),
    }


def several_body(answers: Sequence[Answer], lines: Mapping[str, CaseLine]) -> dict[str, Any]:
    """Return what became of several cases; ``lines`` are those that may be seen, for the words of their rules."""
    rows = [answer_body(one, lines.get(one.case)) for one in answers]
    done = sum(row["done"] for row in rows)
    return {"rows": rows, "done": done, "refused": len(rows) - done}


def answer_body(one: Answer, line: CaseLine | None) -> dict[str, Any]:
    """Return what became of one case; what lies outside one's area answers exactly like what does not exist."""
    done, refusal = one.done, one.refusal
    refusal = NotFound() if refusal and code_of(refusal) == "not_found" else refusal
    words = speech(line.house.area if line else "")
    labels = labels_for(runtime().rules.machine_of(line.case), words) if line else None
    return {
        "case": one.case,
        "done": refusal is None,
        "entry": done.seq if done else None,
        "repeated": bool(done and done.repeated),
        "reason": reason_in(words, refusal, labels) if refusal else None,
    }


def allowed_body(labels: Labels, allowed: Allowed) -> dict[str, Any]:
    """Return an action: allowed, or the reason why not; with what its form asks for."""
    specs = labels.compiled.fields
    return {
        "action": allowed.action,
        "label": labels.action(allowed.action),
        "allowed": allowed.is_allowed,
        "behalf": absent_of(allowed),
        "reason": reason_body(labels, allowed.refusal) if allowed.refusal else None,
        "fields": [field_body(labels, specs[name], allowed.form.optional) for name in allowed.fields],
        "evidence": [named(kind, "" if kind == "@any" else labels.evidence(kind)) for kind in allowed.evidence],
        "targets": [named(name, labels.state(name)) for name in allowed.targets],
        "warnings": [named(name, labels.condition(name)) for name in allowed.warnings],
    }


def field_body(labels: Labels, spec: Field, optional: Iterable[str]) -> dict[str, Any]:
    """Return a field of a form: money is an amount in fen, a person an account id, a day an ISO date."""
    return {
        "id": spec.id,
        "label": labels.asked(spec),
        "type": spec.type,
        "required": spec.id not in set(optional),
        "options": [named(option.id, labels.option(spec, option.id)) for option in spec.options],
        "section": labels.speech.pick(spec.section),
        "explains": spec.explains,
        "never_decides": spec.never_decides,
    }


# --- lists ---
def house_body(house: House, words: Speech) -> dict[str, Any]:
    """Return a household as lists show it."""
    return {
        "number": house.number,
        "national_number": house.national_number,
        "head_name": house.head_name,
        "kind": named(house.kind, words.say(f"kind.{house.kind}")),
        "member_count": house.member_count,
        "township": named(house.township, house.township_name),
        "village": named(house.village, house.village_name),
        "group": house.group,
    }


def case_line(line: CaseLine, words: Speech) -> dict[str, Any]:
    """Return a case of a list with its household and the earliest maximum."""
    labels = labels_for(runtime().rules.machine_of(line.case), words)
    return {**case_head(line.case, labels), "household": house_body(line.house, words), "due": line.due_at,
            "behalf": line.behalf}  # fmt: skip


def member_bodies(members: Sequence[Person], words: Speech, now: datetime) -> list[dict[str, str]]:
    """Return members as the page shows them."""
    return people_rows(members, words, now)
