"""What identifiers and values are called on paper: labels bound to the chain by the digests of
their texts."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from datetime import date, timedelta
from functools import cache
from typing import Any

import templates
from reports.trail import MalformedTrail, Trail, digest_of
from workflows import terms as policy_terms
from workflows.clock import CHINA, local_date, parse_utc
from workflows.journal import canonical
from workflows.recount import NOTE as RECOUNTED
from workflows.repin import NOTE
from workflows.terms import Terms, Wordings, load_terms, parse_variant

# The keys under which policy and packs word the rows of a definition anew (workflows.wordings.label_keys).
KEYS = {
    "gates": "gate.{name}", "states": "state.{home}.{name}", "actions": "action.{home}.{name}",
    "timers": "timer.{home}.{name}", "purposes": "purpose.{home}.{name}", "conditions": "condition.{name}",
}  # fmt: skip
ROWS = ("gates", "steps", "states", "actions", "timers", "purposes", "conditions", "sources")


@cache
def words() -> Terms:
    """The words of printed documents over those of the policy."""
    own = load_terms(templates.PATH / "documents" / "words.toml")
    return load_terms(policy_terms.TERMS_FILE).merged({key: own.variants(key) for key in own})


class Labels:
    """The labels of one definition and one pack in one language, in the words of a day and an area; an identifier
    without a label prints as itself."""

    def __init__(self, lang: str, definition: Mapping[str, Any], pack: Mapping[str, Any]) -> None:
        self.lang = lang
        self.pack = pack
        self.on: date | None = None
        self.area = ""
        self.own = wordings_of(pack)
        self.words = load_terms(policy_terms.TERMS_FILE).under(self.own)
        self.home = str(definition.get("id", ""))
        self._title = definition.get("label")
        self.pack_title = self.label(pack.get("label"), str(pack.get("id", "")))
        self._rows = {name: _by_id(definition, pack, name) for name in ROWS}
        self._fields = {**_table(definition, "fields"), **_table(pack, "fields")}
        self._evidence = {**_table(definition, "evidence"), **_table(pack, "evidence")}

    def at(self, on: date, area: str) -> "Labels":
        """Return the same labels in the words of a day in an area."""
        other = copy(self)
        other.on, other.area = on, area
        return other

    @property
    def title(self) -> str:
        """What the kind of case is called."""
        return self.named(f"definition.{self.home}", self._title, self.home)

    def named(self, key: str, table: object, default: str) -> str:
        """Return what a label of the texts is called on the day: as its key is worded, else as it stands."""
        label = {lang: str(text) for lang, text in table.items()} if isinstance(table, Mapping) else None
        return self.words.named(key, label, self.lang, on=self.on, area=self.area) or default

    def term(self, key: str, default: str) -> str:
        """Return a word of the policy (roles, household kinds) as it was on the day in the area."""
        return self.named(key, None, default)

    def of(self, kind: str, name: str) -> str:
        """Return the label of a gate, timer, purpose or condition."""
        row = self._rows[kind].get(name, {})
        return self.named(KEYS[kind].format(home=self.home, name=name), row.get("label", row), name)

    def state(self, name: str) -> str:
        """Return the label of a state, which a step may bring along."""
        steps = self._rows["steps"].values()
        own = next((s.get("state_label") for s in steps if s.get("state") == name), None)
        return (self.named(f"state.{self.home}.{name}", own, "") if own else "") or self.of("states", name)

    def action(self, name: str) -> str:
        """Return the label of an action, which a step may bring along."""
        steps = self._rows["steps"].values()
        own = next((s.get("label") for s in steps if s.get("action") == name), None)
        return (self.named(f"action.{self.home}.{name}", own, "") if own else "") or self.of("actions", name)

    def form(self, action: str) -> list[str]:
        """Return the fields that a step or action asks for, in the order of its form; those that the pack adds last."""
        rows = [s for s in self._rows["steps"].values() if s.get("action") == action]
        row = rows[0] if rows else self._rows["actions"].get(action, {})
        lists = (row.get("fields", []), _table(self.pack, "asks").get(str(row.get("id")), []) if rows else [])
        return [str(name) for fields in lists if isinstance(fields, list) for name in fields]

    def evidence(self, kind: str) -> str:
        """Return the label of a kind of evidence."""
        return self.named(f"evidence.{kind}", self._evidence.get(kind), kind)

    def field(self, name: str) -> str:
        """Return the label of a field; the few that the machine itself keeps are named in
        words.toml."""
        spec = self._spec(name)
        own = self.named(f"field.{name}", spec.get("label"), "") if spec else ""
        return own or word(f"field.{name}", self.lang, default=name)

    def gates(self) -> list[str]:
        """The gates in the order of the definition."""
        return list(self._rows["gates"])

    def clause(self, text: str) -> str:
        """Spell out "S4 17" as the document's title and number with the item."""
        source, _, item = text.partition(" ")
        row = self._rows["sources"].get(source)
        if row is None:
            return text
        number = f"（{row['number']}）" if row.get("number") else ""
        key = "clause.item" if item.isdigit() else "clause.place"
        tail = word(key, self.lang, item=item) if item else ""
        return f"《{row.get('title', source)}》{number}{tail}"

    def sources(self) -> list[str]:
        """The documents that the pack's rules come from, with number and date."""
        return [
            "　".join(
                filter(
                    None,
                    (
                        f"《{s.get('title', name)}》",
                        str(s.get("number", "")),
                        str(s.get("date", "")),
                    ),
                )
            )
            for name, s in self._rows["sources"].items()
        ]

    def value(self, name: str, value: object) -> str:
        """Return a field's value as people write it: money in yuan, choices by their labels,
        dates as days."""
        spec = self._spec(name)
        known = {**FORMATS, **SPECIAL}
        formatter = known.get(name) or known.get(str(spec.get("type")))
        text = formatter(self, spec, value) if formatter else None
        return text if text is not None else plain(value, self.lang)

    def option(self, spec: Mapping[str, Any], name: object) -> str:
        """Return the label of one value of a choice; options may be shared with another field
        by its name."""
        options = spec.get("options", [])
        shared = self._spec(options).get("options", []) if isinstance(options, str) else options
        known = shared if isinstance(shared, list) else []
        found = next((o for o in known if isinstance(o, dict) and o.get("id") == name), None)
        key = f"option.{spec.get('id', '')}.{name}"
        return self.named(key, found, str(name)) if found else str(name)

    def _spec(self, name: str) -> Mapping[str, Any]:
        spec = self._fields.get(name)
        return {**spec, "id": name} if isinstance(spec, Mapping) else {}

    def label(self, table: object, default: str) -> str:
        """Return a table's text in this language."""
        found = table.get(self.lang) if isinstance(table, Mapping) else None
        return str(found) if found else default


def wordings_of(pack: Mapping[str, Any]) -> Wordings:
    """Return a pack's own wordings as its kept text holds them."""
    try:
        return {key: tuple(parse_variant(row) for row in rows) for key, rows in _table(pack, "terms").items()}
    except (TypeError, ValueError, AttributeError) as error:
        raise MalformedTrail("texts", "terms") from error


def word(key: str, lang: str, *, default: str | None = None, **params: object) -> str:
    """Return a word of documents; KeyError when there is none and no default."""
    if default is not None and key not in words():
        return default
    label = words().text(key, lang)
    return label.format_map(params) if params else label


def plain(value: object, lang: str) -> str:
    """Return a value of no special kind."""
    if value is None or value == "":
        return word("value.none", lang)
    if isinstance(value, bool):
        return word("value.yes" if value else "value.no", lang)
    if isinstance(value, Mapping) and "name" in value:
        return str(value["name"])
    if isinstance(value, list):
        return word("value.separator", lang).join(plain(item, lang) for item in value) or word("value.none", lang)
    return str(value) if isinstance(value, str | int) else canonical(value)


def labels_of(trail: Trail) -> Callable[[Mapping[str, Any], str], Labels]:
    """Return a function from an entry to the labels of the definition and pack it names, on its own day in an area."""
    kept: dict[tuple[str, str], Labels] = {}

    def find(body: Mapping[str, Any], area: str) -> Labels:
        key = (digest_of(body["definition"]), digest_of(body["policy"]))
        if key not in kept:
            definition, pack = (_text(trail, digest) for digest in key)
            kept[key] = Labels(trail.lang, definition, pack)
        return kept[key].at(local_date(parse_utc(body["at"])), area)

    return find


def local_time(text: str) -> str:
    """Return "2026-11-22 16:00" in China for a UTC text of an entry."""
    return parse_utc(text).astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


def last_day(due: str) -> date:
    """Return the last day of a period from its exclusive end."""
    return local_date(parse_utc(due) - timedelta(seconds=1))


def yuan(fen: int) -> str:
    """Return fen as the pages do (app.labels.money), without floats: whole yuan alone, else two decimals."""
    sign, rest = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{rest // 100:,}" + (f".{rest % 100:02d}" if rest % 100 else "")


def _text(trail: Trail, digest: str) -> dict[str, Any]:
    try:
        body = json.loads(trail.texts[digest])
    except (KeyError, ValueError, RecursionError) as error:
        raise MalformedTrail("texts", digest[:16]) from error
    if not isinstance(body, dict):
        raise MalformedTrail("texts", digest[:16])
    return body


def _by_id(definition: Mapping[str, Any], pack: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {str(row["id"]): row for row in (*_rows(definition, name), *_rows(pack, name))}


def _rows(body: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    rows = body.get(name, [])
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            raise MalformedTrail("texts", name)
        yield row


def _table(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = body.get(name, {})
    return dict(table) if isinstance(table, dict) else {}


def _number(value: object) -> int | None:
    """Personal numbers stand as text beside the journal."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    return int(text) if text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() else None


def _money(labels: Labels, spec: Mapping[str, Any], value: object) -> str | None:
    """An amount; its unit only where the field's own name does not tell it."""
    fen = _number(value)
    if fen is None:
        return None
    name = labels.label(spec.get("label"), "")
    return yuan(fen) if word("value.unit", labels.lang) in name else word("value.yuan", labels.lang, amount=yuan(fen))


def _choice(labels: Labels, spec: Mapping[str, Any], value: object) -> str | None:
    return labels.option(spec, value) if isinstance(value, str) else None


def _choices(labels: Labels, spec: Mapping[str, Any], value: object) -> str | None:
    items = _listed(value)
    return _joined(labels, (labels.option(spec, item) for item in items)) if items else None


def _joined(labels: Labels, items: Iterable[str]) -> str:
    return word("value.separator", labels.lang).join(items)


def _listed(value: object) -> Iterable[object] | None:
    """A personal list stands as canonical JSON text beside the journal."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, list) and value else None


def _bool(labels: Labels, spec: Mapping[str, Any], value: object) -> str | None:
    known = {"true": True, "false": False, True: True, False: False}
    held = known.get(value) if isinstance(value, str | bool) else None
    return None if held is None else word("value.yes" if held else "value.no", labels.lang)


def _field_name(labels: Labels, spec: Mapping[str, Any], value: object) -> str | None:
    return labels.field(value) if isinstance(value, str) else None


def _evidence_kind(labels: Labels, spec: Mapping[str, Any], value: object) -> str | None:
    return labels.evidence(value) if isinstance(value, str) else None


def _kind(labels: Labels, spec: Mapping[str, Any], value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return labels.term(f"kind.{value}", value)


def _lapsed(labels: Labels, spec: Mapping[str, Any], value: object) -> str | None:
    if not isinstance(value, Mapping) or not isinstance(value.get("due"), str):
        return None
    try:
        day = last_day(value["due"]).isoformat()
    except (ValueError, OverflowError):
        return None
    return word("deadline.lapsed", labels.lang, timer=labels.of("timers", str(value.get("kind"))), day=day)


def _rules_changed(labels: Labels, spec: Mapping[str, Any], value: object) -> str | None:
    """Why a case was moved to other rules, and which of them differ, each with its clause, in the words of that day."""
    rows = value.get("changes") if isinstance(value, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) and labels.lang in row for row in rows):
        return None
    said = []
    for row in rows:
        text, clause = str(row[labels.lang]), str(row.get("clause", ""))
        # What has a clause for each side names it itself.
        is_named = not clause or clause.split(" ", maxsplit=1)[0] in text
        said.append(text if is_named else word("deadline.rule_change", labels.lang, text=text, clause=clause))
    changes = ("；" if labels.lang == "zh" else "; ").join(said) or "—"
    return word("deadline.rules_changed", labels.lang, reason=str(value["reason"]), changes=changes)  # type: ignore[index]


def _recounted(labels: Labels, spec: Mapping[str, Any], value: object) -> str | None:
    """Why a case's periods were counted anew, and which ends are others now."""
    rows = value.get("moved") if isinstance(value, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        return None
    try:
        said = [
            word("deadline.moved", labels.lang, timer=labels.of("timers", str(row["kind"])),
                 before=last_day(str(row["from"])).isoformat(), after=last_day(str(row["to"])).isoformat())
            for row in rows
        ]  # fmt: skip
    except (KeyError, ValueError, OverflowError):
        return None
    changes = ("；" if labels.lang == "zh" else "; ").join(said)
    return word("deadline.rules_changed", labels.lang, reason=str(value["reason"]), changes=changes)  # type: ignore[index]


def _warnings(labels: Labels, spec: Mapping[str, Any], value: object) -> str | None:
    items = _listed(value)
    return _joined(labels, (labels.of("conditions", str(item)) for item in items)) if items else None


Formatter = Callable[[Labels, Mapping[str, Any], object], str | None]
FORMATS: dict[str, Formatter] = {
    "money": _money,
    "choice": _choice,
    "choices": _choices,
    "bool": _bool,
    "correctable_field": _field_name,
    "evidence_kind": _evidence_kind,
}
SPECIAL: dict[str, Formatter] = {
    "household_kind": _kind,
    "lapsed": _lapsed,
    "warnings": _warnings,
    NOTE: _rules_changed,
    RECOUNTED: _recounted,
}
