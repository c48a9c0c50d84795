"""What was typed in and handed in: fields, evidence, votes and corrections, checked against the form."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date, timedelta
from typing import Any

from workflows.characters import ensure_seen
from workflows.clock import local_date, parse_utc
from workflows.definition import Field
from workflows.errors import (
    BadValue,
    MissingEvidence,
    MissingField,
    NeedsExplanation,
    NeedsJudgement,
    NoQuorum,
    OwnHousehold,
    ReturnFirst,
    SameHand,
    VoteMismatch,
    WrongOffice,
)
from workflows.guards import Context, has_hand, signatures
from workflows.income import JUDGEMENT, MEMBERS, PER_HEAD, SHEET, fill, rule_of, sheet_fields
from workflows.model import Command
from workflows.pauses import EXTEND, EXTRA, PERIOD, act_of, check_extra, ensure_period

LONGEST_TEXT = 2000
LONGEST_DURATION = 40
LARGEST_AMOUNT = 10**12
OLDEST = timedelta(days=366)
FIRST_DAY = date(2012, 1, 1)  # the register of poor households, from which all of this grew, began in 2013-2014
CASE_NUMBER = re.compile(r"[0-9]{6}H[0-9]{7}-[A-Z][0-9]{1,4}")


def check_input(context: Context, command: Command) -> dict[str, Any]:
    """Return the form's typed values; raise the first reason why something is missing or wrong."""
    values: dict[str, Any] = {}
    wanted = wanted_fields(context)
    for name in wanted:
        spec = context.compiled.fields[name]
        value = command.data.get(name)
        if value is None or value in ("", [], ()):
            if name in context.form.optional:
                continue
            raise MissingField(field=name)
        values[name] = check_value(spec, value, context)
    values.update(dict.fromkeys(_amounts_left_empty(context, wanted, values), 0))
    if act := act_of(context):
        values |= check_act(context, act, values)
    ensure_explained(context, wanted, values)
    ensure_judged(context, wanted, values)
    ensure_evidence(context, command)
    if getattr(context.form, "records", "") == "correction":
        ensure_correction(context, str(values["corrected_field"]))
    if context.form.sign.get("mode") == "vote":
        ensure_vote(context, values)
    return values


def check_act(context: Context, act: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return by how much a period is extended, in its canonical text; raise why a period may not be changed so."""
    kind = values[PERIOD]
    ensure_period(context, act, kind)
    try:
        return {EXTRA: check_extra(context, kind, values[EXTRA])} if act == EXTEND else {}
    except ValueError as error:
        raise BadValue(field=EXTRA, value=str(values[EXTRA])[:60]) from error


def wanted_fields(context: Context) -> tuple[str, ...]:
    """The fields asked for: all of the purpose at the first signature, only the opinion from those who sign after."""
    if signatures(context):
        return tuple(name for name in context.form.fields if name in ("opinion", "reason"))
    return tuple(name for name in context.form.fields if _is_asked(context, name))


def _is_asked(context: Context, name: str) -> bool:
    """A field may be asked for some purposes only, or of clues from some sources only."""
    spec = context.compiled.fields[name]
    is_of_source = not spec.sources or context.fields.get("clue_source") in spec.sources
    return is_of_source and (not spec.purposes or context.compiled.purpose in spec.purposes)


def _amounts_left_empty(context: Context, wanted: Collection[str], values: Mapping[str, Any]) -> list[str]:
    """The amounts of an income sheet that were left empty: nothing, and recorded as such, to be corrected later."""
    asked = sheet_fields(context.compiled.pack, beside=True) if MEMBERS in values else ()
    return [name for name in asked if name in wanted and name not in values]


def sheet_of(context: Context, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the income sheet that a form's figures make under the rule of the day, or None where it asks for none."""
    rule = rule_of(context.compiled.pack, context.today) if MEMBERS in values else None
    return fill(rule, values, context.dossier.subject.household_kind) if rule else None


def ensure_explained(context: Context, wanted: Collection[str], values: Mapping[str, Any]) -> None:
    """A ticked box or a no asks for a word of explanation, which lets the form pass whatever it says."""
    for name in wanted:
        asked = context.compiled.fields[name].explains
        answer = values.get(asked)
        if (answer is False or (isinstance(answer, list) and answer)) and name not in values:
            raise NeedsExplanation(field=name, question=asked)


def ensure_judged(context: Context, wanted: Collection[str], values: Mapping[str, Any]) -> None:
    """Where the category is not the one that the line points to, a person gives the reasons (W1: judged together)."""
    sheet = sheet_of(context, values)
    category = context.fields.get("category")
    if sheet is None or category in (None, sheet["suggested"]) or JUDGEMENT in values:
        return
    if JUDGEMENT in wanted:
        raise NeedsJudgement(field=JUDGEMENT, category=category, suggested=sheet["suggested"])


def wanted_evidence(context: Context) -> tuple[str, ...]:
    """The evidence kinds asked for; those who sign after the first hand in nothing new."""
    return () if signatures(context) else context.form.evidence


def ensure_evidence(context: Context, command: Command) -> None:
    """Every kind that the form asks for must be there, and no kind that nobody defined."""
    given = {item.kind for item in command.evidence}
    for kind in given - set(context.compiled.evidence):
        raise BadValue(field="evidence", value=kind)
    for kind in wanted_evidence(context):
        if kind == "@any" and not given:
            raise MissingEvidence(kind=str(command.data.get("evidence_kind") or "other"))
        if kind != "@any" and kind not in given:
            raise MissingEvidence(kind=kind)


def check_value(spec: Field, value: object, context: Context) -> Any:
    """Return a value of the field's type, or raise BadValue."""
    checked = CHECKS[spec.type](spec, value, context)
    if checked is None:
        raise BadValue(field=spec.id, value="" if spec.personal else str(value)[:60])
    return checked


def _text(spec: Field, value: object, context: Context) -> str | None:
    text = value.strip() if isinstance(value, str) else ""
    ensure_seen(text)
    return text if text and len(text) <= LONGEST_TEXT and "\r" not in text else None


def _choice(spec: Field, value: object, context: Context) -> str | None:
    return value if isinstance(value, str) and value in spec.option_ids else None


def _choices(spec: Field, value: object, context: Context) -> list[str] | None:
    if not isinstance(value, list | tuple) or len(value) > spec.most or len(set(value)) != len(value):
        return None
    return list(value) if all(item in spec.option_ids for item in value) else None


def _money(spec: Field, value: object, context: Context) -> int | None:
    least = -LARGEST_AMOUNT if spec.negative else 0
    return value if type(value) is int and least <= value <= LARGEST_AMOUNT else None


def _count(spec: Field, value: object, context: Context) -> int | None:
    return value if type(value) is int and spec.least <= value <= LARGEST_AMOUNT else None


def _date(spec: Field, value: object, context: Context) -> str | None:
    """A day on which something was done: never in the future, nor long before the case was opened."""
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    opened = parse_utc(context.case.opened_at) if context.case else context.now
    return day.isoformat() if day and local_date(opened - OLDEST) <= day <= context.today else None


def _earlier_date(spec: Field, value: object, context: Context) -> str | None:
    """A day of what was decided before this system was used, however long ago; never in the future."""
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return day.isoformat() if day and FIRST_DAY <= day <= context.today else None


def _bool(spec: Field, value: object, context: Context) -> bool | None:
    return value if isinstance(value, bool) else None


def _person(spec: Field, value: object, context: Context) -> dict[str, str] | None:
    """A person as the service resolved it: account id, name and person key."""
    if isinstance(value, Mapping) and set(value) == {"id", "name", "person"}:
        if value["person"] in context.dossier.subject.people:
            raise OwnHousehold()
        if spec.id == "substitute" and value["person"] == context.actor.person:
            return None
        return {key: str(item) for key, item in value.items()}
    return None


def _case(spec: Field, value: object, context: Context) -> str | None:
    """The number of another household's or an earlier case; the service has looked it up."""
    text = value.strip() if isinstance(value, str) else ""
    own = context.case.number if context.case else ""
    return text if CASE_NUMBER.fullmatch(text) and text != own else None


def _evidence_kind(spec: Field, value: object, context: Context) -> str | None:
    return value if isinstance(value, str) and value in context.compiled.evidence else None


def _correctable(spec: Field, value: object, context: Context) -> str | None:
    known = context.compiled.fields.get(str(value))
    return known.id if known and is_correctable(known, context.fields) else None


def is_correctable(spec: Field, fields: Mapping[str, Any]) -> bool:
    """Tell whether a recorded field may be corrected; a figure that the system counted is corrected by its parts."""
    is_counted = spec.id == PER_HEAD and SHEET in fields
    return spec.correctable and spec.id in fields and not is_counted


def _period(spec: Field, value: object, context: Context) -> str | None:
    """A timer of this machine; whether it runs and may be changed is told by a reason of its own."""
    return value if isinstance(value, str) and value in context.compiled.timers_by_id else None


def _duration(spec: Field, value: object, context: Context) -> str | None:
    return value.strip() if isinstance(value, str) and len(value) <= LONGEST_DURATION else None


def _any_value(spec: Field, value: object, context: Context) -> Any:
    return value if isinstance(value, str | int | bool) else None


CHECKS: Mapping[str, Callable[[Field, object, Context], Any]] = {
    "text": _text,
    "choice": _choice,
    "choices": _choices,
    "money": _money,
    "count": _count,
    "date": _date,
    "earlier_date": _earlier_date,
    "bool": _bool,
    "person": _person,
    "case": _case,
    "evidence_kind": _evidence_kind,
    "correctable_field": _correctable,
    "corrected_value": _any_value,
    "period": _period,
    "duration": _duration,
}


def ensure_correction(context: Context, name: str) -> None:
    """A correction is weighed like the gate that recorded the field: by its roles, by clean hands, in time.

    Otherwise one person could correct away what bars a decision, and then decide.
    """
    gate = context.fields.get("_recorded_at", {}).get(name, "")
    step = next((s for s in context.compiled.order if s.gate == gate and s.required), None)
    if step is None:
        return
    offices = {*context.actor.own_offices, context.office} - {None}
    if not any(o.role in step.roles and o.covers(context.dossier.subject.area) for o in offices if o):
        raise WrongOffice(roles=list(step.roles))
    hands: Mapping[str, list[str]] = context.fields.get("_hands", {})
    separate = context.compiled.definition.separate_hands
    for other in separate:
        if other != gate and gate in separate and has_hand(context, hands.get(other, [])):
            raise SameHand(gate=other)
    ensure_not_signed_upon(context, gate)


def ensure_not_signed_upon(context: Context, gate: str) -> None:
    """While a case is under way, no gate after the one that recorded the field may have signed."""
    order = list(context.compiled.definition.gates)
    here = context.compiled.gate_of(context.state)
    step = context.step
    is_decided = bool(step and step.gate == context.compiled.definition.decided_by and not step.required)
    if context.case is None or context.case.closed or is_decided or here not in order:
        return
    passed = [g for g in context.compiled.definition.separate_hands if order.index(gate) < order.index(g)]
    for later in passed:
        if order.index(later) < order.index(here):
            raise ReturnFirst(gate=later)


def ensure_vote(context: Context, values: Mapping[str, Any]) -> None:
    """The meeting had its quorum, the votes add up, and they carry the recorded result.

    Shares are the pack's ``review_present`` of those entitled and more than ``review_passes`` of those present.
    """
    due, present = values["votes_due"], values["votes_present"]
    cast = values["votes_for"] + values["votes_against"] + values["votes_abstain"]
    today = context.today
    quorum = context.compiled.pack.fraction("review_present", today)
    if present > due or cast != present or present == 0 or present < quorum * due:
        raise NoQuorum(due=due, present=present, cast=cast, share=str(quorum))
    passes = context.compiled.pack.fraction("review_passes", today)
    is_passed = values["votes_for"] > passes * present
    if is_passed != (context.form.sign.get("result", "passes") == "passes"):
        raise VoteMismatch(votes_for=values["votes_for"], present=present, share=str(passes))
