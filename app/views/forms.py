"""A form for any move, made from the definition's fields; what was typed and handed in stays when it is refused."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict

from app.labels import Labels, refusal_sentence
from app.opened import opening_key
from app.runtime import runtime
from app.schemas import Read, narrow, read_form
from app.services import evidence as evidence_service
from app.services import lists
from app.services.cases import CaseView
from app.views.shown import present
from workflows.clock import local_date
from workflows.decide import Allowed
from workflows.definition import Field
from workflows.errors import BadFile, BadValue, MissingEvidence, MissingField, Refused
from workflows.inputs import is_correctable
from workflows.model import Actor, Clock, Evidence

ANY = "@any"
UNIT = ".unit"  # behind the name of a duration's field: what it is counted in
FEW = 6
CORRECTED, VALUE = "corrected_field", "corrected_value"
LONG_TEXTS = frozenset(
    {"signed_by_proxy", "posted_place", "approval_number", "national_number", "objector", "merged_into"}
)


@dataclass(frozen=True)
class Asked:
    """What a form asks for: fields with those that may stay empty, kinds of evidence, and states to choose from.

    ``needed`` are the kinds of evidence without which a sent form is not complete.
    """

    fields: tuple[Field, ...]
    optional: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    people: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    periods: tuple[Clock, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def shown(self, names: Iterable[str]) -> tuple[Field, ...]:
        """Return the fields among some names, in the order of the form."""
        wanted = set(names)
        return tuple(spec for spec in self.fields if spec.id in wanted)


@dataclass(frozen=True)
class Filled:
    """What a person sent: typed texts, values read from them, evidence taken in, and what is wrong with which field."""

    asked: Asked
    typed: MultiDict[str, str]
    read: Read
    evidence: tuple[Evidence, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    refusal: Refused | None = None

    @property
    def data(self) -> dict[str, Any]:
        """The values as a command takes them."""
        return dict(self.read.values)


def new_key() -> str:
    """Return a fresh idempotency key, which says when the form was opened."""
    return opening_key(runtime().keys.cookie, present())


def asked_of(view: CaseView, allowed: Allowed) -> Asked:
    """Return what the form of an action asks for on a case as it stands."""
    names = allowed.fields
    chosen = request.args.get(CORRECTED, "")
    fixed = {CORRECTED: chosen} if CORRECTED in names and chosen in correctable(view) else {}
    shown = _shown_fields(view, names, chosen)
    return Asked(
        fields=shown,
        optional=allowed.form.optional,
        evidence=allowed.evidence,
        targets=allowed.targets,
        people=_people(view, shown),
        periods=_periods(view, allowed),
        fixed=fixed,
    )


def sent_of(view: CaseView, allowed: Allowed) -> Asked:
    """Return what a sent form may hold, however the case moved since: the second click reads like the first."""
    form, sent = allowed.form, request.form
    chosen = sent.get(CORRECTED, "")
    fixed: dict[str, Any] = {CORRECTED: chosen} if chosen else {}
    if "target" in sent:
        fixed["target"] = sent["target"]
    free = {*form.optional, *(name for name in form.fields if name not in allowed.fields)}
    shown = _shown_fields(view, form.fields, chosen)
    return Asked(
        fields=shown,
        optional=tuple(free),
        evidence=form.evidence,
        needed=allowed.evidence,
        targets=allowed.targets,
        people=_people(view, shown),
        periods=_periods(view, allowed),
        fixed=fixed,
    )


def _periods(view: CaseView, allowed: Allowed) -> tuple[Clock, ...]:
    return tuple(view.case.clocks[kind] for kind in allowed.periods)


def _shown_fields(view: CaseView, names: Iterable[str], chosen: str) -> tuple[Field, ...]:
    specs = view.compiled.fields
    kept = [specs[name] for name in names if name != CORRECTED]
    known = replace(specs[chosen], section={}) if chosen in specs else None
    return tuple(replace(known, id=VALUE, label=s.label) if s.id == VALUE and known else s for s in kept)


def _people(view: CaseView, shown: Iterable[Field]) -> dict[str, Sequence[tuple[str, str]]]:
    return {spec.id: people_for(view, spec) for spec in shown if spec.type == "person"}


def correctable(view: CaseView) -> list[str]:
    """Return the recorded fields of a case that a correcting entry may change."""
    recorded = view.case.fields.get("_provenance", {})
    specs = view.compiled.fields.items()
    fields = view.case.fields
    return [name for name, spec in specs if name in recorded and is_correctable(spec, fields) and name[:1] != "_"]


def people_for(view: CaseView, spec: Field) -> list[tuple[str, str]]:
    """Return the accounts from which a person may be chosen: the field's role, else those whom the state waits for."""
    roles = (spec.role,) if spec.role else view.compiled.current_roles(view.case.state)
    return [(account, name) for account, name, _ in lists.candidates(roles, view.household.area)]


def fill(actor: Actor, county: str, asked: Asked, *, take: bool = True) -> Filled:
    """Read the request's form: values, files, files kept from an earlier try; ``take`` keeps files that are new."""
    typed = request.form
    names = {spec.id: _sent(typed, spec) for spec in asked.fields}
    read = read_form(asked.fields, asked.optional, names)
    values = {**read.values, **asked.fixed}
    evidence, errors = take_files(actor, county, asked, any_kind=str(values.get("evidence_kind") or "other"), take=take)
    chosen = not asked.targets or bool(values.get("target"))
    found = {**read.errors, **({} if chosen else {"target": "missing_field"}), **errors}
    return Filled(asked, typed, Read(values, read.errors), evidence, found, first_refusal(found, asked))


def _sent(typed: MultiDict[str, str], spec: Field) -> str | list[str]:
    """What was sent for a field; a duration comes as a number and a unit beside it."""
    if spec.type == "choices":
        return typed.getlist(spec.id)
    text, unit = typed.get(spec.id, ""), typed.get(f"{spec.id}{UNIT}", "")
    return f"{narrow(text).strip()} {unit}" if spec.type == "duration" and text.strip() and unit else text


def first_refusal(errors: Mapping[str, str], asked: Asked) -> Refused | None:
    """Return the refusal that stands for a form's first fault, in the order of the form."""
    for name in ("target", *(spec.id for spec in asked.fields)):
        if name in errors:
            return MissingField(field=name) if errors[name] == "missing_field" else BadValue(field=name, value="")
    for kind in asked.evidence:
        code = errors.get(f"file.{kind}")
        if code:
            return MissingEvidence(kind=kind) if code == "missing_evidence" else BadFile(reason=code)
    return None


def take_files(
    actor: Actor, county: str, asked: Asked, *, any_kind: str, take: bool
) -> tuple[tuple[Evidence, ...], dict[str, str]]:
    """Take in the files of a request and those kept from before; return them, and what is wrong with which kind."""
    taken: list[Evidence] = []
    errors: dict[str, str] = {}
    for asked_kind in asked.evidence:
        kind = any_kind if asked_kind == ANY else asked_kind
        kept = [(kind, digest) for digest in request.form.getlist(f"have.{asked_kind}")]
        mine = lists.own_uploads(actor, county, kept) if kept else []
        fresh, wrong = (_fresh_files if take else _known_files)(actor, county, kind, f"file.{asked_kind}")
        taken += {item.sha256: item for item in (*mine, *fresh)}.values()
        if wrong:
            errors[f"file.{asked_kind}"] = "bad_file"
        elif not mine and not fresh and asked_kind in asked.needed:
            errors[f"file.{asked_kind}"] = "missing_evidence"
    return tuple(taken), errors


def _fresh_files(actor: Actor, county: str, kind: str, name: str) -> tuple[list[Evidence], bool]:
    fresh, wrong = [], False
    for item in request.files.getlist(name):
        if not item.filename:
            continue
        try:
            fresh.append(evidence_service.take_in(actor, county=county, kind=kind, data=item.read()))
        except BadFile:
            wrong = True
    return fresh, wrong


def _known_files(actor: Actor, county: str, kind: str, name: str) -> tuple[list[Evidence], bool]:
    """Return those files of a request that the person handed in before, as a second click does; keep none."""
    wanted = [(kind, hashlib.sha256(item.read()).hexdigest()) for item in request.files.getlist(name) if item.filename]
    return (lists.own_uploads(actor, county, wanted) if wanted else []), False


def form_rows(labels: Labels, asked: Asked, filled: Filled | None, now: datetime) -> list[dict[str, Any]]:
    """Return the fields of a form for the template, with what was typed and what is wrong with it."""
    return [_field_row(labels, asked, spec, filled, now) for spec in asked.fields]


def _field_row(labels: Labels, asked: Asked, spec: Field, filled: Filled | None, now: datetime) -> dict[str, Any]:
    today = local_date(now).isoformat()
    code = filled.errors.get(spec.id, "") if filled else ""
    several = spec.type == "choices"
    typed = (filled.typed.getlist(spec.id) if several else filled.typed.get(spec.id, "")) if filled else ""
    options = field_options(labels, asked, spec)
    return {
        "name": spec.id,
        "label": labels.asked(spec),
        "type": spec.type,
        "widget": widget_of(spec, options),
        "required": spec.id not in asked.optional,
        "value": typed if filled else (today if spec.type == "date" else ""),
        "latest": today,
        "options": options,
        "unit": filled.typed.get(f"{spec.id}{UNIT}", "") if filled else "",
        "most": spec.most,
        "section": labels.speech.pick(spec.section),
        "clause": labels.clause(spec.clause) if spec.clause else "",
        "own": spec.own,
        "error": field_error(labels, spec, code),
    }


def widget_of(spec: Field, options: Sequence[Any]) -> str:
    """Return how a field is entered: lines, area, number, date, radios, boxes or select."""
    if spec.type in ("money", "count", "date", "duration"):
        return spec.type
    if spec.type == "choices":
        return "boxes"
    if spec.explains:
        return "line"
    if options:
        return "radios" if len(options) <= FEW and spec.type != "person" else "select"
    return "select" if spec.type in ("person", "period") else "line" if spec.id in LONG_TEXTS else "area"


def field_options(labels: Labels, asked: Asked, spec: Field) -> list[tuple[str, str]]:
    """Return (value, label) of what may be chosen for a field."""
    words = labels.speech
    if spec.type == "bool":
        return [("yes", words.say("ui.yes")), ("no", words.say("ui.no"))]
    if spec.type == "person":
        return list(asked.people.get(spec.id, ()))
    if spec.type == "period":
        return [(clock.kind, _period_label(labels, clock)) for clock in asked.periods]
    if spec.type == "duration":
        units = dict.fromkeys(clock.limit.partition(" ")[2] for clock in asked.periods)
        return [(unit, words.say(f"counted_in.{unit}")) for unit in units if unit]
    if spec.type == "evidence_kind":
        return [(kind, labels.evidence(kind)) for kind in labels.compiled.evidence]
    return [(option.id, labels.option(spec, option.id)) for option in spec.options]


def _period_label(labels: Labels, clock: Clock) -> str:
    """A period with its length and last day, so that it is plain which one is meant."""
    words = labels.speech
    length, _ = labels.limit(clock)
    return words.say("ui.period_option", timer=labels.timer(clock.kind), length=length, last=words.last_day(clock.due))


def field_error(labels: Labels, spec: Field, code: str) -> str:
    """Return the sentence under a field that cannot be used."""
    if not code:
        return ""
    if labels.speech.knows(f"ui.{code}"):
        return labels.speech.say(f"ui.{code}")
    key = f"ui.wrong_{spec.type}"
    if code == "bad_value" and labels.speech.knows(key):
        return labels.speech.say(key)
    return labels.speech.say(f"refused.{code}", field=labels.asked(spec))


def file_rows(labels: Labels, asked: Asked, filled: Filled | None) -> list[dict[str, Any]]:
    """Return the uploads of a form: what is asked for, what was kept, what is wrong."""
    rows = []
    for kind in asked.evidence:
        code = filled.errors.get(f"file.{kind}", "") if filled else ""
        label = labels.speech.say("ui.any_evidence") if kind == ANY else labels.evidence(kind)
        refused: Refused = BadFile() if code == "bad_file" else MissingEvidence(kind=kind)
        rows.append(
            {
                "kind": kind,
                "label": label,
                "kept": [e.sha256 for e in filled.evidence if kind in (ANY, e.kind)] if filled else [],
                "error": refusal_sentence(labels.speech, refused, labels) if code else "",
            }
        )
    return rows


def target_rows(labels: Labels, asked: Asked, filled: Filled | None) -> list[dict[str, Any]]:
    """Return the states among which the person chooses, the one chosen before marked."""
    chosen = filled.typed.get("target", "") if filled else ""
    return [{"value": name, "label": labels.state(name), "chosen": name == chosen} for name in asked.targets]
