"""What identifiers and values are called on paper: labels bound to the chain by the digests of
their texts."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any

import templates
from reports.trail import MalformedTrail, Trail, digest_of
from workflows import terms as policy_terms
from workflows.clock import CHINA, local_date, parse_utc
from workflows.journal import canonical
from workflows.terms import Terms, load_terms

ROWS = ("gates", "steps", "states", "actions", "timers", "purposes", "conditions", "sources")


@cache
def words() -> Terms:
    """The words of printed documents."""
    return load_terms(templates.PATH / "documents" / "words.toml")


class Labels:
    """The labels of one definition and one pack in one language; an identifier without a label
    prints as itself."""

    def __init__(self, lang: str, definition: Mapping[str, Any], pack: Mapping[str, Any]) -> None:
        self.lang = lang
        self.pack = pack
        self.title = self.label(definition.get("label"), str(definition.get("id", "")))
        self.pack_title = self.label(pack.get("label"), str(pack.get("id", "")))
        self._rows = {name: _by_id(definition, pack, name) for name in ROWS}
        self._fields = {**_table(definition, "fields"), **_table(pack, "fields")}
        self._evidence = {**_table(definition, "evidence"), **_table(pack, "evidence")}

    def of(self, kind: str, name: str) -> str:
        """Return the label of a gate, timer, purpose or condition."""
        row = self._rows[kind].get(name, {})
        return self.label(row.get("label", row), name)

    def state(self, name: str) -> str:
        """Return the label of a state, which a step may bring along."""
        steps = self._rows["steps"].values()
        own = next((s.get("state_label") for s in steps if s.get("state") == name), None)
        return self.label(own, "") or self.of("states", name)

    def action(self, name: str) -> str:
        """Return the label of an action, which a step may bring along."""
        steps = self._rows["steps"].values()
        own = next((s.get("label") for s in steps if s.get("action") == name), None)
        return self.label(own, "") or self.of("actions", name)

    def form(self, action: str) -> list[str]:
        """Return the fields that a step or action asks for, in the order of its form; those that the pack adds last."""
        rows = [s for s in self._rows["steps"].values() if s.get("action") == action]
        row = rows[0] if rows else self._rows["actions"].get(action, {})
        lists = (row.get("fields", []), _table(self.pack, "asks").get(str(row.get("id")), []) if rows else [])
        return [str(name) for fields in lists if isinstance(fields, list) for name in fields]

    def evidence(self, kind: str) -> str:
        """Return the label of a kind of evidence."""
        return self.label(self._evidence.get(kind), kind)

    def field(self, name: str) -> str:
        """Return the label of a field; the few that the machine itself keeps are named in
        words.toml."""
        own = self.label(self._spec(name).get("label"), "")
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
        return self.label(found, str(name))

    def _spec(self, name: str) -> Mapping[str, Any]:
        spec = self._fields.get(name)
        return spec if isinstance(spec, Mapping) else {}

    def label(self, table: object, default: str) -> str:
        """Return a table's text in this language."""
        found = table.get(self.lang) if isinstance(table, Mapping) else None
        return str(found) if found else default


def word(key: str, lang: str, *, default: str | None = None, **params: object) -> str:
    """Return a word of documents; KeyError when there is none and no default."""
    if default is not None and key not in words():
        return default
    label = words().text(key, lang)
    return label.format_map(params) if params else label


def term(key: str, lang: str, *, on: date | None, area: str, default: str) -> str:
    """Return a word of the policy (roles, household kinds) as it was on a day in an area."""
    terms = load_terms(policy_terms.TERMS_FILE)
    return terms.text(key, lang, on=on, area=area) if key in terms else default


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


def labels_of(trail: Trail) -> Callable[[Mapping[str, Any]], Labels]:
    """Return a function from an entry to the labels of the definition and pack it names."""
    kept: dict[tuple[str, str], Labels] = {}

    def find(body: Mapping[str, Any]) -> Labels:
        key = (digest_of(body["definition"]), digest_of(body["policy"]))
        if key not in kept:
            definition, pack = (_text(trail, digest) for digest in key)
            kept[key] = Labels(trail.lang, definition, pack)
        return kept[key]

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
    return term(f"kind.{value}", labels.lang, on=None, area="", default=value)


def _lapsed(labels: Labels, spec: Mapping[str, Any], value: object) -> str | None:
    if not isinstance(value, Mapping) or not isinstance(value.get("due"), str):
        return None
    try:
        day = last_day(value["due"]).isoformat()
    except (ValueError, OverflowError):
        return None
    return word("deadline.lapsed", labels.lang, timer=labels.of("timers", str(value.get("kind"))), day=day)


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
SPECIAL: dict[str, Formatter] = {"household_kind": _kind, "lapsed": _lapsed, "warnings": _warnings}
