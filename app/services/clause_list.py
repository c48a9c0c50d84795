"""The clauses of a pack: which rule stands on which, with its value, and all items of a place's documents."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from app.labels import Speech
from app.services.guide import Guide, guides, head_of, source_title
from workflows.clauses import Citation, Item, citations, rules_of
from workflows.definition import Field
from workflows.duties import Duty, Target
from workflows.limits import Limit
from workflows.policy import Aside, Condition, Omission, Pack, Parameter, Signature, StepOrder
from workflows.registry import Rules

COLUMNS = ("number", "clause", "about", "office", "state", "rules", "value")
STATES = ("implemented", "partly", "outside", "open")


def clauses(words: Speech, pack: Pack, rules: Rules) -> dict[str, Any]:
    """Return the clause list as plain values: rules by document, the defaults of our own, the documents' items."""
    book = _Book(words, pack, rules)
    found = citations(pack)
    listed = rules.clauses.get(pack.id)
    say = book.say
    return {
        "lang": words.lang,
        "head": head_of(words, pack),
        "title": say("clauses_of", place=words.pick(pack.label, pack.id)),
        "under": say("clauses_under"),
        "cols": {name: say(f"col_{name}") for name in COLUMNS},
        "cited": say("cited"),
        "cited_intro": say("cited_intro"),
        "documents": [d for d in (book.document(source, found) for source in pack.sources) if d["rows"]],
        "own": say("own_rules"),
        "own_intro": say("own_intro"),
        "own_rows": [book.row(c) for c in found if not c.source],
        "measures": say("measures"),
        "measures_intro": book.summary(listed.items) if listed else "",
        "items": [book.item(number, item) for number, item in enumerate(listed.items, start=1)] if listed else [],
    }  # fmt: skip


class _Book:
    """Words for the rules of one pack."""

    def __init__(self, words: Speech, pack: Pack, rules: Rules) -> None:
        self.words, self.pack, self.rules = words, pack, rules
        self.by_definition: dict[str, Guide] = {}
        self.anchored: set[str] = set()
        for guide in guides(words, pack, rules):
            self.by_definition.setdefault(guide.compiled.definition.id, guide)
        self.main = self.by_definition["household_case"]

    def say(self, key: str, **params: object) -> str:
        """Return a word of the rules."""
        return self.words.say(f"rules.{key}", **params)

    def document(self, source: str, found: Sequence[Citation]) -> dict[str, Any]:
        """Return a document with the rules that stand on it."""
        known = self.pack.sources[source]
        rows = [self.row(c) for c in found if c.source == source]
        title = source_title(known.title, known.number, self.words)
        return {"id": source, "title": title, "date": known.date, "rows": rows}

    def row(self, citation: Citation) -> dict[str, str]:
        """Return one rule: its clause, what it is and its value."""
        place = anchor(f"{citation.kind} {citation.name}")
        is_first = place not in self.anchored
        self.anchored.add(place)
        return {
            "anchor": place if is_first else "",
            "clause": self.main.clause(f"{citation.source} {citation.place}") if citation.source else "",
            "rule": self.rule(citation.kind, citation.name, citation.rule),
            "value": self.value(citation.rule),
        }

    def rule(self, kind: str, name: str, rule: Any = None) -> str:
        """Return what a rule is: its kind and label."""
        label = self.label(kind, name, rule)
        joint = "：" if self.words.lang == "zh" else ": "
        return f"{self.say(f'kind_{kind}')}{joint}{label}"

    def label(self, kind: str, name: str, rule: Any = None) -> str:
        """Return the label of what a rule is about."""
        if kind == "parameter":
            return self.main.parameter(name)
        if kind == "condition":
            found = next((c for c in self.pack.conditions if c.id == name), None)
            return self.words.pick(found.label if found else None, name)
        if kind in ("duty", "target"):
            rows: tuple[Duty | Target, ...] = self.pack.duties if kind == "duty" else self.pack.targets
            return self.words.pick(next((row.label for row in rows if row.id == name), None), name)
        if kind == "option":
            return self.main.option(*name.split(".", 1))
        if kind == "aside":
            return self.main.labels.gate(name)
        if kind == "sequence":
            return (
                self.purposes(name, rule.purposes)
                if rule
                else self.of(name).words.pick(self.of(name).compiled.definition.label)
            )
        if kind in ("signature", "omitted"):
            guide = self.of(rule.definition) if isinstance(rule, Omission) else self.main
            return guide.labels.step(name)
        return self.part(kind, name)

    def part(self, kind: str, name: str) -> str:
        """Return the label of a part of a definition, such as ``assist.plan``."""
        home, _, what = name.rpartition(".")
        definition = home or "household_case"  # a field of the pack itself stands in the gates' forms
        guide = self.of(definition)
        label = {
            "limit": guide.labels.timer, "timer": guide.labels.timer, "action": guide.labels.action,
            "step": guide.labels.step, "field": guide.labels.field, "evidence": guide.labels.evidence,
        }[kind](what)  # fmt: skip
        if kind == "step" and label == what:
            step = guide.compiled.definition.steps.get(what) or self.pack.steps.get(what)
            label = self.words.pick(step.label if step else None, what)
        if definition == "household_case":
            return label
        return self.say("of_definition", definition=self.words.pick(guide.compiled.definition.label), name=label)

    def of(self, definition: str) -> Guide:
        """Return the guide of a definition."""
        return self.by_definition[definition]

    def purposes(self, definition: str, names: Sequence[str]) -> str:
        """Return the purposes of a definition by label."""
        known = self.rules.definitions[definition].purposes
        return self.words.listed([self.words.pick(known[name], name) for name in names])

    def value(self, rule: Any) -> str:
        """Return what a rule says, with the days between which it holds."""
        text = VALUES[type(rule)](self, rule)
        dates = self.dates(rule)
        return self.say("value_dated", value=text, dates=dates) if dates else text

    def dates(self, rule: Any) -> str:
        """Return from when to when a dated rule holds, or an empty text."""
        begins, ends = getattr(rule, "begins", date.min), getattr(rule, "ends", date.max)
        said = [self.say("from_day", day=self.words.date(begins))] if begins != date.min else []
        said += [self.say("to_day", day=self.words.date(ends))] if ends != date.max else []
        return self.words.listed(said)

    def limit(self, rule: Limit) -> str:
        """Return a limit: how long, for whom, how it is fulfilled."""
        guide = self.of(rule.timer.partition(".")[0])
        said = [guide.length(rule)]
        said += [self.purposes("household_case", rule.purposes)] if rule.purposes else []
        said += [guide.whom(rule)] if guide.whom(rule) else []
        said += [self.say("selects_roles", names=self.words.roles(rule.roles))] if rule.roles else []
        modes = [guide.option("visit_mode", mode) for mode in rule.modes]
        said += [self.say("selects_modes", names=self.words.listed(modes))] if modes else []
        return "；".join(said) if self.words.lang == "zh" else "; ".join(said)

    def parameter(self, rule: Parameter) -> str:
        """Return a parameter's value."""
        return self.main.value(rule.id, rule.value)

    def condition(self, rule: Condition) -> str:
        """Return whether a condition binds, and for which way of elimination."""
        said = [self.words.say(f"effect.{rule.effect}")]
        modes = [self.main.option("elimination_mode", mode) for mode in rule.modes]
        said += [self.say("condition_mode", modes=self.words.listed(modes))] if modes else []
        return self.words.listed(said)

    def duty(self, rule: Duty) -> str:
        """Return who has a duty, for whom, how often."""
        said = [self.main.doers(rule), self.words.pick(rule.whom), self.main.often(rule)]
        return ("；" if self.words.lang == "zh" else "; ").join(text for text in said if text)

    def signature(self, rule: Signature) -> str:
        """Return who signs a step here."""
        said = [self.words.roles(rule.roles)] if rule.roles else []
        said += [self.words.pick(rule.body)] if rule.body else []
        mode = rule.mode or ("any" if rule.count else "")
        said += [f"{self.words.say(f'sign.{mode}')} {rule.count or ''}".strip()] if mode else []
        return self.words.listed(said)

    def field(self, rule: Field) -> str:
        """Return what a field of the pack's own offers to choose from, or that it is asked."""
        offered = [self.main.labels.option(rule, option.id) for option in rule.options]
        return self.words.listed(offered) or self.say("asked_in_form")

    def sequence(self, rule: StepOrder) -> str:
        """Return the steps in their order, those whose place is our own marked."""
        library = {**self.rules.definitions[rule.definition].steps, **self.pack.steps}
        own = set(rule.own)
        names = [(s, self.words.pick(library[s].label, s)) for s in (*rule.steps, *rule.alongside)]
        way = " → ".join(label + ("*" if step in own else "") for step, label in names)
        return way + (self.words.aside(f"*{self.say('own_place')}") if own else "")

    def summary(self, items: Sequence[Item]) -> str:
        """Return how many items stand how."""
        counts = Counter(item.state for item in items)
        return self.say("measures_intro", total=len(items), **{state: counts[state] for state in STATES})

    def item(self, number: int, item: Item) -> dict[str, Any]:
        """Return one item of a document: what, whose, how it stands, by which rules."""
        lead = self.words.listed(item.lead)
        joined = self.say("with_offices", names=self.words.listed(item.joined)) if item.joined else ""
        return {
            "number": number,
            "clause": self.main.clause(item.clause) + (f"（{self.main.clause(item.repeats)}）" if item.repeats else ""),
            "about": self.words.pick(item.title),
            "office": lead + joined,
            "state": item.state,
            "state_word": self.say(f"state_{item.state}"),
            "rules": [self.link(name) for name in item.by],
        }

    def link(self, name: str) -> dict[str, str]:
        """Return a rule that carries an item out, with its value and the place of its row in the list above."""
        kind, _, what = name.partition(" ")
        rows = rules_of(name, self.pack)
        values = dict.fromkeys(self.value(row.rule) for row in rows if row.source and kind != "sequence")
        text = self.rule(kind, what)
        return {"text": text, "value": self.words.listed(list(values)), "anchor": anchor(name) if rows else ""}


VALUES: dict[type, Any] = {
    Limit: _Book.limit,
    Parameter: _Book.parameter,
    Condition: _Book.condition,
    Signature: _Book.signature,
    Omission: lambda book, rule: book.say("kind_omitted"),  # noqa: ARG005 - one signature for all
    Aside: lambda book, rule: book.main.gates(rule.at),
    StepOrder: _Book.sequence,
    Field: _Book.field,
    Duty: _Book.duty,
    Target: lambda book, rule: book.main.figure(rule),
}


def anchor(name: str) -> str:
    """Return the address within the page of a rule's row."""
    return "rule-" + name.replace(" ", "-").replace(".", "-")
