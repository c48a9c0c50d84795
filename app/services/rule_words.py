"""Changes of rules in words: what a rule was, what it is, under which clause; in both languages."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from app.labels import Speech
from app.services.guide import Guide
from workflows.compare import Change, compare_definitions, compare_packs, concerning
from workflows.machine import Compiled
from workflows.policy import Pack
from workflows.registry import Rules
from workflows.tables import BadTable

LANGUAGES = ("zh", "en")
FOREVER = date.max
MOST_DOTS = 200
SAFE_ID = re.compile(r"[0-9A-Za-z_-]{1,80}")  # of a pack that people send: it becomes the name of a file


def pack_id(text: str) -> str:
    """Return the id that a pack's TOML text names, which is safe as the name of a file; raises BadTable."""
    # A key of very many parts costs the reader their square.
    if any(line.count(".") > MOST_DOTS for line in text.splitlines()):
        raise BadTable(f"a line of more than {MOST_DOTS} dots")
    try:
        found = tomllib.loads(text).get("id")
    except (ValueError, RecursionError) as error:
        raise BadTable(str(error).partition("\n")[0] or type(error).__name__) from error
    if not isinstance(found, str) or not SAFE_ID.fullmatch(found):
        raise BadTable("id: letters, digits, - and _ are needed, at most 80")
    return found


class Differences:
    """Says changes for one reader; each side in the words of its own rules."""

    def __init__(self, words: Speech, old: Guide, new: Guide) -> None:
        self.words, self.old, self.new = words, old, new

    def line(self, change: Change) -> str:
        """Return one change as a sentence: 时限 认定总时限：最长15天（…）→ 最长20天（…）."""
        before, after = self._side(self.old, change, change.before), self._side(self.new, change, change.after)
        name = self.words.say(f"changes.part.{change.part}", name=self._name(change))
        if change.before and change.after:
            key = "inside" if before == after else "changed"
        else:
            key = ("gone" if change.before else "added") + ("" if before or after else "_only")
        return self.words.say(f"changes.{key}", rule=name, before=before, after=after)

    def _name(self, change: Change) -> str:
        guide = self.new if change.after else self.old
        return NAMES.get(change.part, _labelled)(guide, change)

    def _side(self, guide: Guide, change: Change, rows: Sequence[Any]) -> str:
        say = SIDES.get(change.part)
        return self.words.listed([say(guide, row) for row in rows]) if say else ""


def _labelled(guide: Guide, change: Change) -> str:
    """The label of whatever has one, else its id."""
    rows = change.after or change.before
    label = getattr(rows[0], "label", None) if rows else None
    return guide.words.pick(label, change.key) if label else change.key


def _timer(guide: Guide, change: Change) -> str:
    definition, _, name = change.key.partition(".")
    found = guide.rules.definitions[definition].timers.get(name) if definition in guide.rules.definitions else None
    return guide.words.pick(found.label, change.key) if found else change.key


def _step(guide: Guide, change: Change) -> str:
    return _steps(guide, [change.key])


def _steps(guide: Guide, names: Iterable[str]) -> str:
    library = {**{n: s for d in guide.rules.definitions.values() for n, s in d.steps.items()}, **guide.pack.steps}
    said = [guide.words.pick(library[name].label, name) if name in library else name for name in names]
    return ("→" if guide.words.lang == "zh" else " → ").join(said)


def _order(guide: Guide, change: Change) -> str:
    definition, _, purposes = change.key.partition(".")
    known = guide.rules.definitions[definition].purposes
    return guide.words.listed([guide.words.pick(known.get(p), p) for p in purposes.split("+")])


def _dated(guide: Guide, row: Any, text: str) -> str:
    """A row with the days between which it holds, where it says any."""
    words = guide.words
    if row.begins != date.min:
        text = words.say("changes.from_day", text=text, day=words.date(row.begins))
    return words.say("changes.to_day", text=text, day=words.date(row.ends)) if row.ends != FOREVER else text


def _limit(guide: Guide, row: Any) -> str:
    whom = guide.whom(row)
    purposes = guide.words.listed([guide.fact("purposes", name) for name in row.purposes])
    for_whom = guide.words.listed([text for text in (purposes, whom) if text])
    text = f"{guide.length(row)}{guide.words.aside(guide.cite(row))}"
    return _dated(guide, row, f"{for_whom} {text}" if for_whom else text)


def _parameter(guide: Guide, row: Any) -> str:
    return _dated(guide, row, f"{guide.value(row.id, row.value)}{guide.words.aside(guide.cite(row))}")


def _condition(guide: Guide, row: Any) -> str:
    effect = guide.words.say(f"changes.{row.effect}")
    return f"{guide.words.pick(row.label, row.id)}{guide.words.aside(f'{effect}；{guide.cite(row)}')}"


def _sequence(guide: Guide, row: Any) -> str:
    beside = [guide.words.say("changes.beside", step=_steps(guide, [a]), other=_steps(guide, [b]))
              for a, b in row.alongside.items()]  # fmt: skip
    return guide.words.listed([_steps(guide, row.steps), *beside])


def _signature(guide: Guide, row: Any) -> str:
    sign = {"mode": row.mode or ("any" if row.count else "one"), "count": row.count}
    who = guide.roles(row.roles) if row.roles else guide.words.say("changes.same_roles")
    count = guide.say("sign_any", roles=who, count=row.count) if sign["mode"] == "any" and row.count > 1 else who
    return f"{count}{guide.words.aside(guide.cite(row))}"


def _omission(guide: Guide, row: Any) -> str:
    return guide.cite(row)


def _aside(guide: Guide, row: Any) -> str:
    return f"{guide.gates(row.at)}{guide.words.aside(guide.cite(row))}"


def _duty(guide: Guide, row: Any) -> str:
    whom = guide.words.pick(row.whom)
    said = guide.words.listed([text for text in (guide.doers(row), whom) if text])
    return _dated(guide, row, f"{said} {guide.often(row)}{guide.words.aside(guide.cite(row))}")


def _target(guide: Guide, row: Any) -> str:
    return _dated(guide, row, f"{guide.figure(row)}{guide.words.aside(guide.cite(row))}")


def _plain(guide: Guide, row: Any) -> str:
    return guide.words.listed([str(item) for item in row]) if isinstance(row, tuple | list) else ""


NAMES: Mapping[str, Callable[[Guide, Change], str]] = {
    "limits": _timer,
    "parameters": lambda guide, change: guide.parameter(change.key),
    "sequences": _order,
    "signatures": _step,
    "requirements": _step,
    "asks": _step,
    "aside": lambda guide, change: guide.gates([change.key]),
    "omitted": lambda guide, change: _action(guide, change.key),
}
SIDES: Mapping[str, Callable[[Guide, Any], str]] = {
    "limits": _limit,
    "parameters": _parameter,
    "conditions": _condition,
    "sequences": _sequence,
    "signatures": _signature,
    "omitted": _omission,
    "aside": _aside,
    "duties": _duty,
    "targets": _target,
    "requirements": _plain,
    "asks": _plain,
}


def _action(guide: Guide, key: str) -> str:
    definition, _, name = key.partition(".")
    found = guide.rules.definitions[definition].actions.get(name) if definition in guide.rules.definitions else None
    return guide.words.pick(found.label, name) if found else name


def differences(words: Speech, old: Pack, new: Pack, rules: Rules) -> list[dict[str, str]]:
    """Return what differs between two packs, rule by rule, for one reader: part, sentence, clause."""
    chosen = rules.definitions["household_case"]
    before, after = (rules.machine(chosen, pack, "include") for pack in (old, new))
    return said_between(words, before, after, rules)


def said_between(words: Speech, before: Compiled, after: Compiled, rules: Rules) -> list[dict[str, str]]:
    """As ``differences``, of the packs of two machines: one of before may not fit the definitions of today."""
    old, new = before.pack, after.pack
    says = Differences(words, Guide(words, before, rules), Guide(words, after, rules))
    return [{"part": c.part, "text": says.line(c), "clause": c.clause} for c in compare_packs(old, new)]


def changes_for(old: Compiled, new: Compiled, rules: Rules, day: date) -> list[dict[str, str]]:
    """Return the changes that cases of one machine can meet, in both languages, as their entries keep them."""
    found = (
        *concerning(compare_packs(old.pack, new.pack), old, new),
        *compare_definitions(old.definition, new.definition),
    )
    rows: list[dict[str, str]] = [{"rule": f"{c.part} {c.key}", "clause": c.clause} for c in found]
    for lang in LANGUAGES:
        words = Speech(lang, day, new.pack.area, new.pack.digest)
        says = Differences(words, Guide(words, old, rules), Guide(words, new, rules))
        for row, change in zip(rows, found, strict=True):
            row[lang] = says.line(change)
    return rows
