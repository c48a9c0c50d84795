"""What people read for identifiers: labels from the case's own machine, words of the policy by date and area."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from typing import Any

from app.places import short_area as short_area  # noqa: PLC0414 - views ask here for all their words
from app.runtime import runtime
from workflows.calendar_file import Fault, festivals
from workflows.clock import CHINA, NEVER, local_date, parse_utc, time_left
from workflows.definition import Action, Definition, Field, Step
from workflows.errors import BadDocument, Refused
from workflows.income_words import Words, in_one_line
from workflows.journal import is_commitment, pins_of
from workflows.machine import Compiled
from workflows.model import Clock
from workflows.periods import frozen_limit
from workflows.recount import NOTE as RECOUNTED
from workflows.repin import NOTE
from workflows.terms import Terms

YUAN = 100


@dataclass(frozen=True)
class Speech:
    """One reader's words: language, and the day, area and pack for which terms are chosen.

    ``pack`` is the digest of the pack that an act was done under; without it the pack in force there on the day counts.
    """

    lang: str
    day: date
    area: str = ""
    pack: str = ""

    @cached_property
    def terms(self) -> Terms:
        """The words of the pages and of the policy, those of the pack first."""
        rules = runtime().rules
        pack = (rules.pack_of(self.pack) if self.pack else None) or rules.pack_at(self.area, self.day)
        return runtime().lexicon.under(pack)

    def of_act(self, at: str, *, policy: str, county: str) -> "Speech":
        """Return the words of an act's own day and place, under the pack that its entry names as ``<id>:<digest>``."""
        area = self.area if self.area.startswith(county) else county
        return replace(self, day=local_date(parse_utc(at)), area=area, pack=policy.rpartition(":")[2])

    def say(self, key: str, /, **params: object) -> str:
        """Return a word or sentence; KeyError when there is none, so that a gap is found by tests."""
        label = self.terms.text(key, self.lang, on=self.day, area=self.area)
        return label.format_map(params) if params else label  # here, as a parameter may be named area

    def knows(self, key: str) -> bool:
        """Tell whether there is a word for a key."""
        return key in self.terms

    def named(self, key: str, label: Mapping[str, str] | None, default: str = "") -> str:
        """Return what a definition's or pack's label is called on the day: as its key is worded, else as it stands."""
        return self.terms.named(key, label, self.lang, on=self.day, area=self.area) or default

    def pick(self, label: Mapping[str, str] | None, default: str = "") -> str:
        """Return a label in the reader's language."""
        return str((label or {}).get(self.lang) or default)

    def role(self, name: str) -> str:
        """Return the label of a role."""
        return self.say(f"role.{name}") if self.knows(f"role.{name}") else name

    def roles(self, names: Sequence[str]) -> str:
        """Return several roles as people list them."""
        return self.listed([self.role(name) for name in names])

    def listed(self, items: Sequence[str]) -> str:
        """Join labels as the language does."""
        return ("、" if self.lang == "zh" else ", ").join(items)

    def aside(self, text: str) -> str:
        """Return a text in brackets, as the language sets them after a word."""
        return f"（{text}）" if self.lang == "zh" else f" ({text})"

    def date(self, moment: str | datetime | date) -> str:
        """Return a local day for people."""
        day = moment if type(moment) is date else local_date(_moment(moment))
        return f"{day.year}年{day.month}月{day.day}日" if self.lang == "zh" else day.isoformat()

    def last_day(self, due: str) -> str:
        """Return the last day of a period whose exclusive end is given; a paused one has none."""
        if due == NEVER:
            return self.say("ui.paused")
        return self.date(parse_utc(due) - timedelta(seconds=1))

    def time(self, moment: str | datetime) -> str:
        """Return a local day and minute."""
        return f"{_moment(moment).astimezone(CHINA):%Y-%m-%d %H:%M}"

    def left(self, due: str, now: datetime) -> str:
        """Return the time left or over: 剩3天, 今天到期, 超期2天."""
        if not due:
            return self.say("ui.no_limit")
        if due == NEVER:
            return self.say("ui.paused")
        left = time_left(now, parse_utc(due))
        if left.is_late:
            return self.say("ui.days_over", days=max(left.days, 1))
        return self.say("ui.days_left", days=left.days) if left.days else self.say("ui.due_today")


def _moment(value: str | datetime | date) -> datetime:
    return value if isinstance(value, datetime) else parse_utc(str(value))


class Labels:
    """The labels of one compiled machine for one reader."""

    def __init__(self, speech: Speech, compiled: Compiled) -> None:
        self.speech = speech
        self.compiled = compiled
        self.home = compiled.definition.id

    def of_act(self, entry: Mapping[str, Any]) -> "Labels":
        """Return the labels as they were called when an entry was made, under the pack that it names."""
        speech = self.speech.of_act(entry["at"], policy=entry["policy"], county=entry["county"])
        return Labels(speech, self._machine_of(entry))

    def _machine_of(self, entry: Mapping[str, Any]) -> Compiled:
        """The machine that an entry was made under; the present one is that of nearly all."""
        definition, pack = pins_of(entry)
        if (definition, pack) == (self.compiled.definition.digest, self.compiled.pack.digest):
            return self.compiled
        return (
            runtime().rules.machine_by(definition, pack, entry.get("purpose", self.compiled.purpose)) or self.compiled
        )

    def of_clock(self, clock: Clock) -> "Labels":
        """Return the labels as they were called when a period began, under the pack of its case."""
        area = self.speech.area
        speech = self.speech.of_act(clock.start, policy=self.compiled.pack.digest, county=area)
        return Labels(speech, self.compiled)

    def definition(self) -> str:
        """Return what the kind of case is called."""
        return definition_label(self.speech, self.compiled.definition)

    def purpose(self, name: str) -> str:
        """Return what a case is for."""
        return purpose_label(self.speech, self.compiled.definition, name)

    def state(self, name: str) -> str:
        """Return the label of a state; ``definition.state`` names one of another definition."""
        if "." in name:
            return state_of(self.speech, *name.split(".", 1))
        if name in self.compiled.definition.states or self.compiled.step_at(name):
            return self.speech.named(f"state.{self.home}.{name}", self.compiled.state_label(name), name)
        return name

    def gate(self, name: str) -> str:
        """Return the label of a gate."""
        gate = self.compiled.definition.gates.get(name)
        return self.speech.named(f"gate.{name}", gate.label, name) if gate else name

    def form(self, name: str) -> Step | Action | None:
        """Return the step or action of an id."""
        return self.compiled.step_of(name) or self.compiled.definition.actions.get(name)

    def action(self, name: str) -> str:
        """Return the label of an action or of the step that it completes."""
        form = self.form(name)
        return self.speech.named(f"action.{self.home}.{name}", form.label, name) if form else name

    def step(self, name: str) -> str:
        """Return the label of a step, or of an action that stands in its place."""
        found = next((s for s in (*self.compiled.order, *self.compiled.alongside.values()) if s.id == name), None)
        return (
            self.speech.named(f"action.{self.home}.{found.action}", found.label, name) if found else self.action(name)
        )

    def timer(self, name: str) -> str:
        """Return the label of a period."""
        timer = self.compiled.definition.timers.get(name)
        return self.speech.named(f"timer.{self.home}.{name}", timer.label, name) if timer else name

    def options(self, name: str) -> list[str]:
        """Return the ids of a field's choices, each with its label, as a command names them."""
        spec = self.compiled.fields.get(name)
        return [f"{one.id}（{self.option(spec, one.id)}）" for one in spec.options] if spec else []

    def evidence(self, kind: str) -> str:
        """Return the label of a kind of evidence."""
        return self.speech.named(f"evidence.{kind}", self.compiled.evidence.get(kind), kind)

    def field(self, name: str) -> str:
        """Return the label of a field, also of those that the machine itself keeps."""
        spec = self.compiled.fields.get(name)
        return self.asked(spec) if spec else self.speech.named(f"field.{name}", None, name)

    def asked(self, spec: Field) -> str:
        """Return the label of a field as a form asks for it."""
        return self.speech.named(f"field.{spec.id}", spec.label, spec.id)

    def condition(self, name: str) -> str:
        """Return the label of a condition of the pack."""
        found = next((c for c in self.compiled.pack.conditions if c.id == name), None)
        return self.speech.named(f"condition.{name}", found.label, name) if found else name

    def option(self, spec: Field, value: object) -> str:
        """Return the label of one value of a choice."""
        found = next((o for o in spec.options if o.id == value), None)
        label = {"zh": found.zh, "en": found.en} if found else None
        return self.speech.named(f"option.{spec.id}.{value}", label, str(value)) if found else str(value)

    def clause(self, text: str) -> str:
        """Spell out "S4 17" as the document's title and number with the item."""
        source, _, item = text.partition(" ")
        found = self.compiled.pack.sources.get(source)
        if found is None:
            return text
        number = f"（{found.number}）" if found.number else ""
        tail = self.speech.say("ui.clause_item", item=item) if item.isdigit() else item
        return f"《{found.title}》{number} {tail}".strip()

    def value(self, name: str, value: Any) -> str:
        """Return a field's value as people write it: money in yuan, choices by label, days as days."""
        spec = self.compiled.fields.get(name)
        if value is None:
            return self.speech.say("ui.nothing")
        shower = SHOWN.get(spec.type) if spec else None
        if name in BUILT_IN:
            return _built_in(self, name, value)
        return shower(self, spec, value) if shower and spec else plain(self.speech, value)

    def disclosed(self, name: str, text: str | None) -> str:
        """Return a personal value as people write it; erased ones say so."""
        if text is None:
            return self.speech.say("ui.erased")
        spec = self.compiled.fields.get(name)
        if spec and spec.type == "choices":
            return self.value(name, json.loads(text))
        return self.option(spec, text) if spec and spec.type == "choice" else text

    def limit(self, clock: Clock) -> tuple[str, bool]:
        """Return how long a period lasts in words, and whether that is a default of ours."""
        limit = frozen_limit(self.compiled, clock, runtime().rules.calendar_for(self.speech.area[:6]))
        return (duration(self.speech, limit.duration, limit.bound), limit.own) if limit else ("", False)


def plain(speech: Speech, value: Any) -> str:
    """Return a value without a label of its own."""
    if isinstance(value, bool):
        return speech.say("ui.yes" if value else "ui.no")
    if isinstance(value, list | tuple):
        return speech.listed([str(item) for item in value])
    return str(value)


def masked_phone(phone: str) -> str:
    """Return a telephone number with its middle hidden."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= len("13912345") else ("****" if phone else "")


def money(fen: object) -> str:
    """Return fen as yuan with separators: 9000.00 → 9,000."""
    amount = int(str(fen))
    text = f"{abs(amount) // YUAN:,}" + (f".{abs(amount) % YUAN:02}" if amount % YUAN else "")
    return f"-{text}" if amount < 0 else text


def duration(speech: Speech, length: Any, bound: str) -> str:
    """Return a duration in words: 最长10个工作日."""
    name = type(length).__name__
    if name == "Recurring":
        return speech.say(f"every.{length.every}")
    if name == "Window":
        return speech.say("unit.window")
    units = {"Hours": "hours", "CalendarDays": "calendar_days", "WorkingDays": "working_days", "Months": "months"}
    gap = "" if speech.lang == "zh" else " "
    return f"{speech.say(f'bound.{bound}')}{gap}{length.amount}{gap}{speech.say(f'unit.{units[name]}')}"


def _day(labels: Labels, spec: Field, value: Any) -> str:
    return labels.speech.date(date.fromisoformat(value))


def _choices(labels: Labels, spec: Field, value: Any) -> str:
    return labels.speech.listed([labels.option(spec, item) for item in value])


def _built_in(labels: Labels, name: str, value: Any) -> str:
    """Return a value that the machine itself keeps."""
    words = labels.speech
    if name == "household_kind":
        return words.say(f"kind.{value}")
    if name == "warnings":
        return words.listed([labels.condition(item) for item in value]) or words.say("ui.nothing")
    if name == NOTE:
        return noted_changes(words, value)
    if name == RECOUNTED:
        return counted_anew(labels, value)
    if name == "income_sheet":
        return in_one_line(value, income_words(labels))
    if name == "lapsed":
        return f"{labels.timer(value['kind'])} · {words.last_day(value['due'])}"
    return words.date(date.fromisoformat(value))


def noted_changes(words: Speech, value: Mapping[str, Any]) -> str:
    """Return why a case was moved to other rules, and which of them differ, each with its clause."""
    said = []
    for row in value["changes"]:
        text, clause = row[words.lang], row["clause"]
        # What has a clause for each side names it itself.
        is_named = not clause or clause.split(" ")[0] in text
        said.append(text if is_named else words.say("changes.under", text=text, clause=clause))
    changes = ("；" if words.lang == "zh" else "; ").join(said) or words.say("changes.nothing")
    return words.say("changes.noted", reason=value["reason"], changes=changes)


def counted_anew(labels: Labels, value: Mapping[str, Any]) -> str:
    """Return why a case's periods were counted anew, and which ends are others now."""
    words = labels.speech
    said = [
        words.say("changes.moved", timer=labels.timer(row["kind"]), before=words.last_day(row["from"]),
                  after=words.last_day(row["to"]))
        for row in value["moved"]
    ]  # fmt: skip
    return words.say("changes.noted", reason=value["reason"], changes=("；" if words.lang == "zh" else "; ").join(said))


def bare(label: str) -> str:
    """Return a field's label without the unit and hints in brackets, which a table says in its own way."""
    return label.split("（", maxsplit=1)[0].split(" (", maxsplit=1)[0]


def income_words(labels: Labels) -> Words:
    """Return where the words of an income sheet come from for one reader."""
    specs = labels.compiled.fields

    def category(name: str) -> str:
        return labels.option(specs["category"], name) if "category" in specs else name

    return Words(labels.speech.say, lambda name: bare(labels.field(name)), category, money)


BUILT_IN = ("household_kind", "warnings", "lapsed", "income_sheet", "included_on", "eliminated_on", NOTE, RECOUNTED)
SHOWN: Mapping[str, Callable[[Labels, Field, Any], str]] = {
    "money": lambda labels, spec, value: money(value),  # noqa: ARG005 - one signature for all
    "choice": Labels.option,
    "choices": _choices,
    "date": _day,
    "earlier_date": _day,
    "person": lambda labels, spec, value: str(value["name"]),  # noqa: ARG005
    "evidence_kind": lambda labels, spec, value: labels.evidence(value),  # noqa: ARG005
    "correctable_field": lambda labels, spec, value: labels.field(value),  # noqa: ARG005
}


def definition_label(speech: Speech, definition: Definition) -> str:
    """Return what a kind of case is called."""
    return speech.named(f"definition.{definition.id}", definition.label, definition.id)


def purpose_label(speech: Speech, definition: Definition, name: str) -> str:
    """Return what a purpose of a kind of case is called."""
    return speech.named(f"purpose.{definition.id}.{name}", definition.purposes.get(name), name)


def action_of(speech: Speech, definition: Definition, name: str) -> str:
    """Return the label of an action, or of the step that it completes, in a definition's own text; "" for none."""
    step = next((s for s in definition.steps.values() if s.action == name), None)
    form = definition.actions.get(name) or step
    return speech.named(f"action.{definition.id}.{name}", form.label, name) if form else ""


def state_of(speech: Speech, definition: str, state: str) -> str:
    """Return the label of a state in the present text of a definition."""
    found = runtime().rules.definitions[definition]
    step = next((s for s in found.steps.values() if s.state == state), None)
    label = found.states[state].label if state in found.states else step.state_label if step else None
    return speech.named(f"state.{definition}.{state}", label, state) if label else state


def refusal_sentence(speech: Speech, refused: Refused, labels: Labels | None = None) -> str:
    """Return the sentence of a refusal; identifiers among its parameters arrive as labels."""
    params = {name: _param(speech, labels, name, value) for name, value in refused.params.items()}
    if isinstance(refused, BadDocument) and refused.faults:
        lead = f"{refused.file}: " if refused.file else ""
        params["reasons"] = "; ".join(lead + fault_of(speech, fault) for fault in refused.faults)
    key = f"refused.{refused.code}"
    known = speech.knows(key)
    try:
        return speech.say(key if known else "refused.refused", **(params if known else {}))
    except KeyError:
        return speech.say("refused.refused")


def fault_of(speech: Speech, fault: Fault) -> str:
    """Return a mistake of a calendar's document in words, with its line where that is known."""
    value = speech.pick(festivals().get(fault.value), fault.value)
    said = speech.say(f"calendar.fault.{fault.code}", value=value, more=fault.more)
    place = {"where": fault.where, "said": said}
    return (
        speech.say("calendar.at.line", line=fault.line, **place)
        if fault.line
        else speech.say("calendar.at.place", **place)
    )


def _param(speech: Speech, labels: Labels | None, name: str, value: object) -> str:
    if name in ("roles", "reasons", "forms") and isinstance(value, list | tuple):
        return speech.roles([str(item) for item in value])  # a reason is no role and stays as it is
    if name == "role":
        return speech.role(str(value))
    if name in WORDED and speech.knows(f"{WORDED[name]}.{value}"):
        return speech.say(f"{WORDED[name]}.{value}")
    if name == "since" and isinstance(value, str):
        return speech.time(value)
    if name in ("until", "due") and isinstance(value, str) and value.endswith("Z"):
        return speech.date(value) if name == "until" else speech.last_day(value)
    if name in ("clock", "latest") and isinstance(value, str) and value.endswith("Z"):
        return f"{speech.time(value)}:{value[17:19]}"
    if name == "definition":
        return definition_label(speech, runtime().rules.definitions[str(value)])
    if labels is not None and name in PARAMS:
        return PARAMS[name](labels, str(value))
    if name == "field" and speech.knows(f"field.{value}"):
        return speech.say(f"field.{value}")
    return str(value)


def _labelled(kind: str, labels: Labels, value: str) -> str:
    return str(getattr(labels, kind)(value))


# Parameters whose values are words of their own, and where these stand.
WORDED = {"act": "act", "limit": "counted_in", "given": "counted_in"}
PARAMS: Mapping[str, Callable[[Labels, str], str]] = {
    **{name: partial(_labelled, name) for name in ("gate", "timer", "field", "step", "state", "action", "condition")},
    "kind": lambda labels, value: labels.evidence(value),
    "category": lambda labels, value: income_words(labels).category(value),
    "suggested": lambda labels, value: income_words(labels).category(value),
    "question": lambda labels, value: bare(labels.field(value)),
}


def is_shown(name: str) -> bool:
    """Tell whether a changed field is shown to people; names with an underscore are book-keeping."""
    return not name.startswith("_") and name not in ("area", "head_name")


def changed_values(
    labels: Labels, entry: Mapping[str, Any], values: Mapping[tuple[str, int, str], str]
) -> list[dict[str, str]]:
    """Return what an entry changed, field by field: label, value before and value after."""
    rows = []
    for name in entry["changes"]:
        if is_shown(name):
            before, after = (_side(labels, entry, name, side, values) for side in ("before", "after"))
            rows.append({"name": name, "label": labels.field(name), "before": before, "after": after})
    form = labels.form(entry["action"])
    order = {name: place for place, name in enumerate(form.fields if form else ())}
    return sorted(rows, key=lambda row: order.get(row["name"], len(order)))


def _side(
    labels: Labels, entry: Mapping[str, Any], name: str, side: str, values: Mapping[tuple[str, int, str], str]
) -> str:
    value = entry["changes"][name][side]
    if value is None:
        return ""
    if not is_commitment(value):
        return labels.value(name, value)
    case, seq = str(entry["case"]), int(entry["seq"])
    disclosed_at = [at for number, at, field in values if (number, field) == (case, name) and at <= seq]
    place = max((at for at in disclosed_at if at < seq or side == "after"), default=0)
    return labels.disclosed(name, values.get((case, place, name)))
