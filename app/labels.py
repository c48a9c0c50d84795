"""What people read for identifiers: labels from the case's own machine, words of the policy by date and area."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from app.places import short_area as short_area  # noqa: PLC0414 - views ask here for all their words
from app.runtime import runtime
from workflows.clock import CHINA, local_date, parse_utc, time_left
from workflows.clocks import frozen_limit
from workflows.definition import Action, Field, Step
from workflows.errors import Refused
from workflows.income_words import Words, in_one_line
from workflows.journal import is_commitment
from workflows.machine import Compiled
from workflows.model import Clock

YUAN = 100


@dataclass(frozen=True)
class Speech:
    """One reader's words: language, and the day and area for which terms are chosen."""

    lang: str
    day: date
    area: str = ""

    def say(self, key: str, /, **params: object) -> str:
        """Return a word or sentence; KeyError when there is none, so that a gap is found by tests."""
        label = runtime().terms.text(key, self.lang, on=self.day, area=self.area)
        return label.format_map(params) if params else label  # here, as a parameter may be named area

    def knows(self, key: str) -> bool:
        """Tell whether there is a word for a key."""
        return key in runtime().terms

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
        """Return the last day of a period whose exclusive end is given."""
        return self.date(parse_utc(due) - timedelta(seconds=1))

    def time(self, moment: str | datetime) -> str:
        """Return a local day and minute."""
        return f"{_moment(moment).astimezone(CHINA):%Y-%m-%d %H:%M}"

    def left(self, due: str, now: datetime) -> str:
        """Return the time left or over: 剩3天, 今天到期, 超期2天."""
        if not due:
            return self.say("ui.no_limit")
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

    def state(self, name: str) -> str:
        """Return the label of a state; ``definition.state`` names one of another definition."""
        if "." in name:
            return state_of(self.speech, *name.split(".", 1))
        if name in self.compiled.definition.states or self.compiled.step_at(name):
            return self.speech.pick(self.compiled.state_label(name), name)
        return name

    def gate(self, name: str) -> str:
        """Return the label of a gate."""
        gate = self.compiled.definition.gates.get(name)
        return self.speech.pick(gate.label, name) if gate else name

    def form(self, name: str) -> Step | Action | None:
        """Return the step or action of an id."""
        return self.compiled.step_of(name) or self.compiled.definition.actions.get(name)

    def action(self, name: str) -> str:
        """Return the label of an action or of the step that it completes."""
        form = self.form(name)
        return self.speech.pick(form.label, name) if form else name

    def step(self, name: str) -> str:
        """Return the label of a step, or of an action that stands in its place."""
        found = next((s for s in (*self.compiled.order, *self.compiled.alongside.values()) if s.id == name), None)
        return self.speech.pick(found.label, name) if found else self.action(name)

    def timer(self, name: str) -> str:
        """Return the label of a period."""
        timer = self.compiled.definition.timers.get(name)
        return self.speech.pick(timer.label, name) if timer else name

    def options(self, name: str) -> list[str]:
        """Return the ids of a field's choices, each with its label, as a command names them."""
        spec = self.compiled.fields.get(name)
        return [f"{o.id}（{o.zh if self.speech.lang == 'zh' else o.en}）" for o in spec.options] if spec else []

    def evidence(self, kind: str) -> str:
        """Return the label of a kind of evidence."""
        return self.speech.pick(self.compiled.evidence.get(kind), kind)

    def field(self, name: str) -> str:
        """Return the label of a field, also of those that the machine itself keeps."""
        spec = self.compiled.fields.get(name)
        if spec:
            return self.speech.pick(spec.label, name)
        return self.speech.say(f"field.{name}") if self.speech.knows(f"field.{name}") else name

    def condition(self, name: str) -> str:
        """Return the label of a condition of the pack."""
        found = next((c for c in self.compiled.pack.conditions if c.id == name), None)
        return self.speech.pick(found.label, name) if found else name

    def option(self, spec: Field, value: object) -> str:
        """Return the label of one value of a choice."""
        found = next((o for o in spec.options if o.id == value), None)
        return (found.zh if self.speech.lang == "zh" else found.en) if found else str(value)

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
        limit = frozen_limit(self.compiled, clock, runtime().rules.calendar)
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
    if name == "income_sheet":
        return in_one_line(value, income_words(labels))
    if name == "lapsed":
        return f"{labels.timer(value['kind'])} · {words.last_day(value['due'])}"
    return words.date(date.fromisoformat(value))


def bare(label: str) -> str:
    """Return a field's label without the unit and hints in brackets, which a table says in its own way."""
    return label.split("（", maxsplit=1)[0].split(" (", maxsplit=1)[0]


def income_words(labels: Labels) -> Words:
    """Return where the words of an income sheet come from for one reader."""
    specs = labels.compiled.fields

    def category(name: str) -> str:
        return labels.option(specs["category"], name) if "category" in specs else name

    return Words(labels.speech.say, lambda name: bare(labels.field(name)), category, money)


BUILT_IN = ("household_kind", "warnings", "lapsed", "income_sheet", "included_on", "eliminated_on")
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


def state_of(speech: Speech, definition: str, state: str) -> str:
    """Return the label of a state in the present text of a definition."""
    found = runtime().rules.definitions[definition]
    if state in found.states:
        return speech.pick(found.states[state].label, state)
    step = next((s for s in found.steps.values() if s.state == state), None)
    return speech.pick(step.state_label, state) if step else state


def refusal_sentence(speech: Speech, refused: Refused, labels: Labels | None = None) -> str:
    """Return the sentence of a refusal; identifiers among its parameters arrive as labels."""
    params = {name: _param(speech, labels, name, value) for name, value in refused.params.items()}
    key = f"refused.{refused.code}"
    known = speech.knows(key)
    try:
        return speech.say(key if known else "refused.refused", **(params if known else {}))
    except KeyError:
        return speech.say("refused.refused")


def _param(speech: Speech, labels: Labels | None, name: str, value: object) -> str:
    if name == "roles" and isinstance(value, list | tuple):
        return speech.roles([str(item) for item in value])
    if name == "role":
        return speech.role(str(value))
    if name in ("until", "due") and isinstance(value, str) and value.endswith("Z"):
        return speech.date(value) if name == "until" else speech.last_day(value)
    if name in ("clock", "latest") and isinstance(value, str) and value.endswith("Z"):
        return f"{speech.time(value)}:{value[17:19]}"
    if name == "definition":
        return speech.pick(runtime().rules.definitions[str(value)].label, str(value))
    if labels is not None and name in ("category", "suggested"):
        return income_words(labels).category(str(value))
    if labels is not None and name == "question":
        return bare(labels.field(str(value)))
    if labels is not None and name in PARAMS:
        return str(getattr(labels, name if name != "kind" else "evidence")(str(value)))
    if name == "field" and speech.knows(f"field.{value}"):
        return speech.say(f"field.{value}")
    return str(value)


PARAMS = ("gate", "timer", "field", "kind", "step", "state", "action", "condition")


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
