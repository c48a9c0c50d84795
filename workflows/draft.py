"""What one entry records: the form's values, signatures, counters, and what an action notes besides."""

from collections.abc import Iterable, Mapping
from typing import Any

from workflows.definition import Action, Step
from workflows.guards import Context, failed_conditions, signatures, weighs_conditions
from workflows.income import PER_HEAD, SHEET, is_part, recount
from workflows.inputs import check_value, sheet_of
from workflows.journal import Disclosure, canonical, commit, derive_salt
from workflows.machine import NEW, REPEATED
from workflows.model import Command, Office


class Draft:
    """The fields of a case while one entry is being made; notes each change and each personal value."""

    def __init__(self, context: Context, command: Command, number: str, seq: int) -> None:
        self.fields: dict[str, Any] = dict(context.fields)
        self.changes: dict[str, Any] = {}
        self.disclosures: list[Disclosure] = []
        self.number, self.seq = number, seq
        self._seed = command.salt_seed

    def put(self, name: str, value: Any, *, personal: bool = False) -> None:
        """Set a field; a personal value is replaced by its commitment and disclosed apart."""
        if personal:
            value = self._committed(name, value if isinstance(value, str) else canonical(value))
        before = self.changes[name]["before"] if name in self.changes else self.fields.get(name)
        self.changes[name] = {"before": before, "after": value}
        self.fields[name] = value

    def add(self, name: str, rows: Mapping[str, Any]) -> None:
        """Set rows of a field that is a table; its other rows stay."""
        self.put(name, {**self.fields.get(name, {}), **rows})

    def _committed(self, name: str, text: str) -> dict[str, str]:
        salt = derive_salt(self._seed, self.number, self.seq, name)
        self.disclosures.append(Disclosure(self.number, self.seq, name, salt, text))
        return commit(salt, name, text)


def record_subject(draft: Draft, context: Context) -> None:
    subject = context.dossier.subject
    draft.put("area", subject.area)
    draft.put("household_kind", subject.household_kind)
    draft.put("head_name", subject.name, personal=True)


def record_values(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    correctable = []
    for name, value in values.items():
        spec = context.compiled.fields.get(name)
        if spec and spec.type != "corrected_value":
            draft.put(name, value, personal=spec.personal)
            if spec.correctable:
                correctable.append(name)
    if correctable:
        draft.add("_provenance", dict.fromkeys(correctable, draft.seq))
        draft.add("_recorded_at", dict.fromkeys(correctable, context.signed_gate))


def record_income(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    """Seal the income sheet: the figures, and each parameter used with its clause; income per head follows from it."""
    sheet = sheet_of(context, values)
    if sheet:
        draft.put(SHEET, sheet)
        draft.put(PER_HEAD, sheet["per_head"])


def record_signature(draft: Draft, context: Context, office: Office, *, target: str, completes: bool) -> None:
    form = context.form
    gate = context.signed_gate
    if context.decides and gate:
        record_hands(draft, gate, context.hands)
    if office.role == "helper" and office.behalf:
        # Whoever did the helper's work steps aside where helpers do.
        record_helpers(draft, context.hands)
    if form.sign.get("mode") in REPEATED and not completes:
        mine = {"person": context.actor.person, "id": context.actor.id, "role": office.role}
        mine |= {"behalf": office.behalf.person} if office.behalf else {}
        given = {**draft.fields.get("_signatures", {}), form.id: [*signatures(context), mine]}
        draft.put("_signatures", given)
    elif draft.fields.get("_signatures") and (completes and target != context.state):
        draft.put("_signatures", {})
    elif form.sign.get("mode") in REPEATED and form.id in context.compiled.alongside:
        kept = {name: row for name, row in draft.fields.get("_signatures", {}).items() if name != form.id}
        draft.put("_signatures", kept)
    if completes:
        _record_done(draft, context, target)


def record_hands(draft: Draft, gate: str, people: Iterable[str]) -> None:
    """Note that persons had a hand in a gate of this case, in whatever round: of a substitute both."""
    hands = draft.fields.get("_hands", {})
    if not set(people) <= set(hands.get(gate, [])):
        draft.put("_hands", {**hands, gate: sorted({*hands.get(gate, []), *people})})


def record_helpers(draft: Draft, people: Iterable[str]) -> None:
    """Note persons who help this household, or did."""
    helpers = draft.fields.get("_helpers", [])
    if not set(people) <= set(helpers):
        draft.put("_helpers", sorted({*helpers, *people}))


def _record_done(draft: Draft, context: Context, target: str) -> None:
    """Steps alongside are done until the case goes back to their own gate or before."""
    form, done = context.form, draft.fields.get("_done", [])
    if isinstance(form, Step) and form.id in context.compiled.alongside:
        draft.put("_done", [*done, form.id])
    elif done and isinstance(form, Action):
        beside = context.compiled.alongside
        kept = [name for name in done if name in beside and not context.compiled.undoes(target, name)]
        if kept != done:
            draft.put("_done", kept)


def record_facts(draft: Draft, context: Context) -> None:
    """Counters, dates and flags that a definition hangs on an action, and the warnings that the person overrode."""
    form = context.form
    if isinstance(form, Action):
        if form.counts:
            draft.put(form.counts, draft.fields.get(form.counts, 0) + 1)
        if form.dates:
            draft.put(form.dates, context.today.isoformat())
        for name, value in form.sets.items():
            draft.put(name, value)
    if weighs_conditions(context):
        draft.put("warnings", [c.id for c in failed_conditions(context) if c.effect == "warn"])


def _record_appeal_upheld(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    """Verifying anew is for other people than those who verified or refused before (domain notes: other staff)."""
    before = {*draft.fields.get("_hands", {}).get("verify", []), *draft.fields.get("_refused_by", {})}
    barred = draft.fields.get("_barred", {})
    draft.put("_barred", {**barred, "verify": sorted({*barred.get("verify", []), *before})})


def _record_recusal(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    item = {"person": context.actor.person, "id": context.actor.id, "name": context.actor.name}
    draft.put("_recused", [*draft.fields.get("_recused", []), item])


def _record_correction(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    """A correcting entry: the field's new value beside the old one, and the entry that had recorded it."""
    name = values["corrected_field"]
    spec = context.compiled.fields[name]
    value = check_value(spec, values["corrected_value"], context)
    gate = draft.fields.get("_recorded_at", {}).get(name, "")
    if gate:
        record_hands(draft, gate, context.hands)
    draft.put("corrected_entry", draft.fields["_provenance"][name])
    draft.put("_provenance", {**draft.fields["_provenance"], name: draft.seq})
    draft.put(name, value, personal=spec.personal)
    sheet = draft.fields.get(SHEET)
    if sheet and is_part(sheet, name):
        sheet = recount(sheet, draft.fields, context.dossier.subject.household_kind)
        draft.put(SHEET, sheet)
        draft.put(PER_HEAD, sheet["per_head"])


def _record_refusal(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    """Who refused, and at which gate: an appeal goes to other hands, also when a clerical step was the place."""
    refused = dict.fromkeys(context.hands, context.gate)
    draft.put("_refused_by", {**draft.fields.get("_refused_by", {}), **refused})


def _record_helper(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    person = values["helper"]["person"]
    draft.put("_helpers", sorted({*draft.fields.get("_helpers", []), person}))


def _record_opening(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    """Helper and measures of before count as those that are recorded here do."""
    if "helper" in values:
        _record_helper(draft, context, values)
    if "measures_before" in values:
        options = {option.id: option for option in context.compiled.fields["measures_before"].options}
        chosen = [options[name] for name in values["measures_before"]]
        draft.put("measures_delivered", len(chosen))
        draft.put("developmental_measures", sum(option.developmental for option in chosen))


def _record_measure(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    options = {option.id: option for option in context.compiled.fields["measure_kind"].options}
    if options[values["measure_kind"]].developmental:
        draft.put("developmental_measures", draft.fields.get("developmental_measures", 0) + 1)


def _record_lapse(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    lapsed = {"kind": values["timer"], "generation": values["generation"], "due": values["due"]}
    draft.put("lapsed", lapsed)
    draft.put("_lapsed", {**draft.fields.get("_lapsed", {}), values["timer"]: values["generation"]})


def _record_came_from(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    draft.put("_came_from", "" if context.state == NEW else context.state)


def _record_nothing(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    """Most actions record no more than their form."""


RECORDS = {
    "": _record_nothing,
    "recusal": _record_recusal,
    "correction": _record_correction,
    "refusal": _record_refusal,
    "appeal_upheld": _record_appeal_upheld,
    "helper": _record_helper,
    "opening": _record_opening,
    "measure": _record_measure,
    "lapse": _record_lapse,
    "came_from": _record_came_from,
    **dict.fromkeys(("pause", "resume", "extend"), _record_nothing),
}
