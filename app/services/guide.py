"""The rules of one compiled machine in words: who signs, by when, under which clause, who steps aside."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.labels import Labels, Speech, duration, money
from app.runtime import all_terms
from workflows.clock import Recurring, Window
from workflows.duties import Duty, Target
from workflows.ladder import Step, parse_ladder
from workflows.limits import Limit
from workflows.machine import NEW, Compiled
from workflows.outline import Bar, Deed, Form, Period, deeds, periods
from workflows.policy import Pack
from workflows.registry import Rules
from workflows.terms import Terms

MONEY_PARAMETERS = ("income_line",)


@dataclass(frozen=True)
class Apart(Speech):
    """Words without a running application, as the command line draws and prints rules before anything is set up."""

    terms: Terms = field(default_factory=all_terms)

    def say(self, key: str, /, **params: object) -> str:
        """Return a word or sentence."""
        label = self.terms.text(key, self.lang, on=self.day, area=self.area)
        return label.format_map(params) if params else label

    def knows(self, key: str) -> bool:
        """Tell whether there is a word for a key."""
        return key in self.terms


class Guide:
    """One machine for one reader on one day; ``rules`` give the labels of other definitions."""

    def __init__(self, words: Speech, compiled: Compiled, rules: Rules) -> None:
        self.words, self.compiled, self.rules = words, compiled, rules
        self.labels = Labels(words, compiled)
        self.pack: Pack = compiled.pack
        self.cited: dict[str, None] = {}

    @cached_property
    def deeds(self) -> tuple[Deed, ...]:
        """All actions of the machine."""
        return deeds(self.compiled, self.words.day)

    @cached_property
    def periods(self) -> tuple[Period, ...]:
        """All periods that can run on this day."""
        return periods(self.compiled, self.words.day)

    def deed(self, name: str) -> Deed:
        """Return an action by its name."""
        return next(d for d in self.deeds if d.id == name)

    @property
    def title(self) -> str:
        """What the machine is for: its purpose, or the definition where it knows only one."""
        definition = self.compiled.definition
        label = definition.purposes[self.compiled.purpose] if len(definition.purposes) > 1 else definition.label
        return self.words.pick(label, definition.id)

    def say(self, key: str, **params: object) -> str:
        """Return a word of the rules."""
        return self.words.say(f"rules.{key}", **params)

    def quoted(self, names: Sequence[str]) -> str:
        """Return several labels as one text."""
        return self.words.listed(names)

    def states(self, names: Iterable[str]) -> str:
        """Return the labels of states."""
        return self.words.listed([self.state(name) for name in names])

    def state(self, name: str) -> str:
        """Return the label of a state, also of the place before a case is opened."""
        return self.say("new_case") if name == NEW else self.labels.state(name)

    def gates(self, names: Iterable[str]) -> str:
        """Return the labels of gates."""
        return self.words.listed([self.labels.gate(name) for name in names])

    def action(self, deed: Deed) -> str:
        """Return the label of an action or step."""
        return self.words.pick(deed.form.label, deed.id)

    # --- clauses and limits
    def cite(self, rule: Any) -> str:
        """Return a rule's clause as its source and place, or that it is our own default."""
        if rule.own or not rule.clause:
            return self.say("own_short")
        return self.clause(rule.clause)

    def clause(self, text: str) -> str:
        """Return "S4 17" for people and remember the source, so that it is spelled out beneath."""
        source, _, item = text.partition(" ")
        self.cited[source] = None
        if item.isdigit():
            return self.say("clause_short", source=source, item=item)
        return text

    def sources(self, names: Iterable[str]) -> list[str]:
        """Return documents spelled out: title, number, date."""
        found = [self.pack.sources[name] for name in names if name in self.pack.sources]
        return [self.say("source", id=s.id, title=source_title(s.title, s.number, self.words)) for s in found]

    def length(self, limit: Limit | Duty) -> str:
        """Return how long a limit is: 最长15天, 每月一次."""
        length = limit.duration
        if isinstance(length, Recurring) and length.by_day:
            return self.say("by_day", every=self.words.say(f"every.{length.every}"), day=length.by_day)
        if isinstance(length, Recurring):
            every = self.words.say(f"every.{length.every}")
            return self.say("each" if length.times > 1 else "each_once", every=every, times=length.times)
        if isinstance(length, Window):
            return self.say("window", start=_month_day(length.start), end=_month_day(length.end))
        return duration(self.words, length, limit.bound)

    def often(self, duty: Duty) -> str:
        """Return how often or how long a duty is: 每月至少2次, 每月20天, 每月2/3以上时间, 最长3天, 自…起算."""
        length, gap = duty.duration, "" if self.words.lang == "zh" else " "
        if isinstance(length, Recurring) and not length.by_day:
            every, least = self.words.say(f"every.{length.every}"), duty.bound == "min"
            kind = "share" if duty.share else duty.counts or "times"
            times = duty.share or length.times
            key = f"duty_{kind}" + ("_once" if kind == "times" and times == 1 else "") + ("_least" if least else "")
            text = self.say(key, every=every, times=times)
        else:
            text = self.length(duty)
        begin = self.words.pick(duty.counted_from)
        return f"{text}{'，' if not gap else ', '}{begin}" if begin else text

    def figure(self, target: Target) -> str:
        """Return a target's value."""
        return self.words.pick(target.value) if isinstance(target.value, Mapping) else str(target.value)

    def doers(self, duty: Duty) -> str:
        """Return who has a duty: roles, offices as they are called here, and others."""
        named = [self.words.say(name) if name.startswith("office.") else self.words.role(name) for name in duty.by]
        return self.words.listed([*named, *([self.words.pick(duty.who)] if duty.who else [])])

    def whom(self, limit: Limit) -> str:
        """Return for whom a limit holds besides the purpose, or an empty text."""
        said = [
            self.say(f"selects_{key}", names=self.words.listed([self.fact(key, value) for value in values]))
            for key, values in limit.selectors.items()
            if key != "purposes"
        ]
        return self.words.listed(said)

    def fact(self, key: str, value: str) -> str:
        """Return the label of what a limit depends on."""
        if key == "kinds":
            return self.words.say(f"kind.{value}")
        if key == "statuses":
            status = self.rules.definitions["monitor_status"].states.get(value)
            return self.words.pick(status.label if status else None, value)
        if key == "sources":
            return self.option("clue_source", value)
        return self.words.pick(self.compiled.definition.purposes.get(value), value)

    def option(self, name: str, value: str) -> str:
        """Return the label of one choice of a field of the machine or of any definition."""
        specs = [self.compiled.fields.get(name), *(d.fields.get(name) for d in self.rules.definitions.values())]
        added = [o for o in self.pack.options.get(name, ()) if o.id == value]
        found = [o for s in specs if s for o in s.options if o.id == value] or added
        return (found[0].zh if self.words.lang == "zh" else found[0].en) if found else value

    def limit(self, period: Period, limit: Limit) -> str:
        """Return a limit with its name, length and clause."""
        timer, whom = self.words.pick(period.timer.label, period.timer.id), self.whom(limit)
        key = "limit_for" if whom else "limit"
        return self.say(key, timer=timer, whom=whom, limit=self.length(limit), cite=self.cite(limit))

    def limits_at(self, state: str, step: str = "") -> list[str]:
        """Return the periods that run while a state waits (or for a step alongside), with their clauses."""
        found = [p for p in self.periods if (p.step == step if step else state in p.states and not p.step)]
        return [self.limit(p, row) for p in found if self.is_local(p) for row in p.limits]

    def is_local(self, period: Period) -> bool:
        """Tell whether a period belongs to single steps and not to a stretch of several states."""
        return bool(period.states) and (len(period.states) == 1 or bool(self.compiled.order))

    def through(self, period: Period, limit: Limit) -> str:
        """Return a period that spans several steps, with where it begins and ends."""
        timer = period.timer
        if period.states:
            span = self.say("limit_while", limit=self.length(limit), states=self.states(period.states))
        else:
            known = {d.id for d in self.deeds}
            begin = self.words.listed([self.labels.action(a) for a in timer.starts_on if a in known])
            end = self.words.listed([self.labels.action(a) for a in timer.ends_on if a in known])
            span = self.say("limit_through", limit=self.length(limit), begin=begin, end=end)
        name, whom = self.words.pick(timer.label, timer.id), self.whom(limit)
        key = "limit_for" if whom else "limit"
        return self.say(key, timer=name, whom=whom, limit=span, cite=self.cite(limit))

    # --- who
    def roles(self, names: Sequence[str]) -> str:
        """Return the labels of roles."""
        return self.words.roles(names)

    def who(self, deed: Deed) -> str:
        """Return who does something, and how many sign."""
        if deed.asker != "people":
            key = f"by_{deed.asker}"
            return self.say(key, roles=self.roles(deed.everybody)) if deed.asker == "opening" else self.say(key)
        return self.signing(deed.form, deed.everybody)

    def signing(self, form: Form, names: Sequence[str]) -> str:
        """Return roles with the way in which they sign."""
        roles, mode = self.roles(names), form.sign.get("mode", "one")
        if mode == "any":
            count = int(form.sign.get("count", 1))
            return (
                self.say("sign_any", roles=roles, count=count) if count > 1 else self.say("sign_any_one", roles=roles)
            )
        return self.say(f"sign_{mode}", roles=roles) if mode in ("all", "vote") else roles

    def quorum(self) -> str:
        """Return how many must come to the review and how many must agree."""
        present = self.pack.parameter("review_present", self.words.day)
        passes = self.pack.parameter("review_passes", self.words.day)
        cites = dict.fromkeys((self.cite(present), self.cite(passes)))
        return self.say("quorum", present=present.value, passes=passes.value, cite=self.words.listed(list(cites)))

    def bar(self, bar: Bar) -> str:
        """Return who steps aside by one rule."""
        cite = self.clause(bar.clause) if bar.clause else self.say("own_short")
        return self.say(f"bar_{bar.code}", gates=self.gates(bar.gates), cite=cite)

    # --- values
    def value(self, name: str, value: object) -> str:
        """Return a parameter's value as people write it."""
        if isinstance(value, bool):
            return self.words.say("ui.yes" if value else "ui.no")
        if name == "ladder" and isinstance(value, list | tuple):
            return self.words.listed([self.step_of_ladder(step) for step in parse_ladder(value)])
        if isinstance(value, list | tuple):
            return self.words.listed([self.named(name, str(item)) for item in value]) or self.words.say("ui.nothing")
        if name.startswith(MONEY_PARAMETERS) and isinstance(value, int):
            return self.say("money", amount=money(value))
        if name in ("income_basis", "income_counted") and self.words.knows(f"income.{value}"):
            return self.words.say(f"income.{value}")
        if name == "last_day_on_rest":
            return self.say(f"rest_day.{value}")
        return str(value)

    def step_of_ladder(self, step: Step) -> str:
        """Return when whom a step of the ladder tells."""
        return self.say(f"ladder_{step.whom}", percent=step.percent)

    def named(self, name: str, item: str) -> str:
        if name in ("income_adds", "income_takes", "income_beside"):
            return self.labels.field(item)
        if self.words.knows(f"role.{item}"):
            return self.words.role(item)
        if name == "objection_pauses":
            return self.labels.timer(item)
        if name == "visit_modes":
            return self.option("visit_mode", item)
        step = self.rules.definitions["household_case"].steps.get(item) or self.pack.steps.get(item)
        return self.words.pick(step.label, item) if step else item

    def parameter(self, name: str) -> str:
        """Return what a parameter is about; one that has no words here is named by its id."""
        key = f"rules.parameter.{name}"
        return self.words.say(key) if self.words.knows(key) else name


def source_title(title: str, number: str, words: Speech) -> str:
    """Return a document's title as it is cited."""
    marked = f"《{title}》" if words.lang == "zh" else f"“{title}”"
    return f"{marked}{words.aside(number)}" if number else marked


def _month_day(value: tuple[int, int]) -> str:
    return f"{value[0]}-{value[1]:02}"


def guides(words: Speech, pack: Pack, rules: Rules) -> list[Guide]:
    """Return a guide for each definition and purpose under a pack, the gates first."""
    order = sorted(rules.definitions.values(), key=lambda d: (not d.gates, d.id != "monitor_status", d.id))
    return [Guide(words, rules.machine(d, pack, purpose), rules) for d in order for purpose in d.purposes]


def head_of(words: Speech, pack: Pack) -> dict[str, str]:
    """Return what names a pack: label, id, digest's first characters, effective date, the day of reading."""
    day = words.date(pack.effective)
    return {
        "id": pack.id,
        "label": words.pick(pack.label, pack.id),
        "digest": pack.digest[:12],
        "full": pack.digest,
        "effective": day,
        "as_of": words.date(words.day),
        "day": words.day.isoformat(),
        "line": words.say("rules.pack_line", id=pack.id, version=pack.edition, digest=pack.digest[:12], effective=day)
        + ("，" if words.lang == "zh" else ", ")
        + words.say("rules.as_of_line", day=words.date(words.day)),
    }
