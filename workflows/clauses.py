"""Clauses: which rule of a pack stands on which clause, and a county's list of all items of its documents."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workflows.definition import Definition, Label
from workflows.policy import Pack, named_rules
from workflows.tables import BadTable, Mistakes, build, ensure_label

FORMAT = "fp-clauses-v1"
KEYS = {"format", "packs", "documents", "clauses"}
NUMERALS = {sign: value for value, sign in enumerate("零一二三四五六七八九")}
CIRCLED = {sign: value for value, sign in enumerate("①②③④⑤⑥⑦⑧⑨⑩", start=1)}
RANGE = re.compile(r"(.*?)(\d+)\.\.(\d+)")


@dataclass(frozen=True)
class Citation:
    """One rule of a pack and where it stands: source and place, both empty for a default of our own."""

    source: str
    place: str
    kind: str
    name: str
    rule: Any


@dataclass(frozen=True)
class Document:
    """The places of a source that a list knows: ``"17"``, or a row of them as ``"附件1..77"``."""

    source: str
    places: tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """One item of a document: what it is about in our own words, whose it is, and what carries it out.

    ``by`` names rules as ``"limit assist.plan"``; ``partly``: they do a part of it; ``outside``: people do it outside
    the system. Neither ``by`` nor ``outside``: open.
    """

    clause: str
    title: Label
    lead: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    repeats: str = ""
    by: tuple[str, ...] = ()
    partly: bool = False
    outside: bool = False

    @property
    def state(self) -> str:
        """How it stands: implemented, partly, outside, open."""
        if self.by:
            return "partly" if self.partly else "implemented"
        return "outside" if self.outside else "open"


@dataclass(frozen=True)
class ClauseList:
    """All items of a place's documents, in the order of the file."""

    packs: tuple[str, ...]
    documents: tuple[Document, ...]
    items: tuple[Item, ...]
    places: frozenset[tuple[str, str]] = field(default_factory=frozenset)


def citations(pack: Pack) -> tuple[Citation, ...]:
    """Return every rule of a merged pack by document and place, the defaults of our own last."""
    order = {source: index for index, source in enumerate(pack.sources)}
    found = [_citation(name, rule) for name, rule in named_rules(pack)]
    found += [_citation(f"sequence {row.definition}", row) for row in pack.sequences]
    return tuple(sorted(found, key=lambda c: (order.get(c.source, len(order)), place_key(c.place))))


def _citation(name: str, rule: Any) -> Citation:
    kind, _, what = name.partition(" ")
    is_own = rule.own is True
    source, _, place = ("" if is_own else rule.clause).partition(" ")
    return Citation(source, place, kind, what, rule)


def place_key(place: str) -> tuple[tuple[int, int, str], ...]:
    """Return what places are sorted by: Chinese and other numbers by value, all else by its text."""
    parts = re.findall(r"\d+|[零一二三四五六七八九十]+|[①-⑩]|[^\d零一二三四五六七八九十①-⑩]+", place)
    return tuple((0, _number(part), "") if _number(part) >= 0 else (1, 0, part) for part in parts)


def _number(part: str) -> int:
    if part.isdigit() and part.isascii():
        return int(part)
    if part in CIRCLED:
        return CIRCLED[part]
    if part and set(part) <= {*NUMERALS, "十"}:
        tens, has_ten, ones = part.partition("十")
        return (NUMERALS.get(tens, 1) * 10 + NUMERALS.get(ones, 0)) if has_ten else NUMERALS.get(part[-1], 0)
    return -1


def load_clause_lists(
    folders: Iterable[Path], packs: Mapping[str, Pack], definitions: Mapping[str, Definition]
) -> dict[str, ClauseList]:
    """Load the lists of several folders (later ones win) by pack; raise BadTable with every mistake, one a line."""
    found: dict[str, ClauseList] = {}
    mistakes = Mistakes()
    for path in (path for folder in folders for path in sorted(folder.glob("*.toml"))):
        with mistakes.noting():
            one = _read(path)
            _check(one, path.name, packs, definitions)
            found.update(dict.fromkeys(one.packs, one))
    mistakes.ensure_none()
    return found


def _read(path: Path) -> ClauseList:
    try:
        with path.open("rb") as file:
            return _parsed(tomllib.load(file))
    except (tomllib.TOMLDecodeError, TypeError, BadTable) as error:
        raise BadTable(f"{path.name}: {error}") from error


def _parsed(tables: Mapping[str, Any]) -> ClauseList:
    if tables.get("format") != FORMAT:
        raise BadTable(f"format must be {FORMAT}")
    if tables.keys() != KEYS:
        raise BadTable(f"needs exactly the keys {', '.join(sorted(KEYS))}")
    documents = tuple(build(Document, row, f"document {row.get('source')}") for row in tables["documents"])
    items = tuple(build(Item, row, f"clause {row.get('clause')}") for row in tables["clauses"])
    for item in items:
        ensure_label(item.title, f"clause {item.clause}")
    places = frozenset((d.source, place) for d in documents for text in d.places for place in _places(text))
    return ClauseList(tuple(map(str, tables["packs"])), documents, items, places)


def _places(text: str) -> list[str]:
    found = RANGE.fullmatch(text)
    return [f"{found[1]}{n}" for n in range(int(found[2]), int(found[3]) + 1)] if found else [text]


def _check(one: ClauseList, file: str, packs: Mapping[str, Pack], definitions: Mapping[str, Definition]) -> None:
    found = Mistakes()
    for name in one.packs:
        if name not in packs:
            found.note(f"{file}: pack {name!r} is not there")
        else:
            _check_for(one, file, packs[name], definitions, found)
    found.ensure_none()


def _check_for(one: ClauseList, file: str, pack: Pack, definitions: Mapping[str, Definition], found: Mistakes) -> None:
    for document in one.documents:
        if document.source not in pack.sources:
            found.note(f"{file}: document {document.source!r} is no source of pack {pack.id}")
    seen: set[str] = set()
    for item in one.items:
        for reason in _reasons(item, one, pack, definitions):
            found.note(f"{file}: clause {item.clause}: {reason}")
        if item.clause in seen:
            found.note(f"{file}: clause {item.clause}: stands twice")
        seen.add(item.clause)
    for citation in citations(pack):
        if not _is_known(citation, one):
            found.note(f"{file}: {citation.kind} {citation.name} of pack {pack.id} names {citation.source} "
                       f"{citation.place!r}, a place that the document does not have here")  # fmt: skip


def _reasons(item: Item, one: ClauseList, pack: Pack, definitions: Mapping[str, Definition]) -> Iterator[str]:
    for text in filter(None, (item.clause, item.repeats)):
        source, _, place = text.partition(" ")
        if (source, place) not in one.places:
            yield f"{text!r} is no place of the documents listed"
    for rule in item.by:
        if not has_rule(rule, pack, definitions):
            yield f"rule {rule!r} is not there"
    if item.by and item.outside:
        yield "carried out by rules and outside the system: name one, or partly = true"
    if item.partly and not item.by:
        yield "partly by what? name the rules in by"


def _is_known(citation: Citation, one: ClauseList) -> bool:
    """Tell whether a rule's place is one of the list or a part of one; documents not listed don't count."""
    places = [place for source, place in one.places if source == citation.source]
    if citation.source not in {d.source for d in one.documents}:
        return True
    heads = {place.partition(".")[0] for place in places}
    return any(re.match(rf"{re.escape(head)}(?!\d)", citation.place) for head in heads)


ROW_KINDS = ("limit", "parameter", "condition", "signature", "omitted", "aside", "duty", "target", "sequence")
Holds = Callable[[str, Pack, Mapping[str, Definition]], bool]


def has_rule(text: str, pack: Pack, definitions: Mapping[str, Definition]) -> bool:
    """Tell whether a rule such as ``"limit assist.plan"`` or ``"action household_case.object"`` exists under a pack."""
    kind, _, name = text.partition(" ")
    return kind in HOLDS and HOLDS[kind](name, pack, definitions)


def rules_of(text: str, pack: Pack) -> tuple[Citation, ...]:
    """Return the rows of a pack that a rule's name stands for; none for what a definition holds."""
    return tuple(c for c in citations(pack) if f"{c.kind} {c.name}" == text)


def _is_row(kind: str) -> Holds:
    return lambda name, pack, definitions: bool(rules_of(f"{kind} {name}", pack))  # noqa: ARG005 - one signature


def _is_part(part: str) -> Holds:
    def holds(name: str, pack: Pack, definitions: Mapping[str, Definition]) -> bool:
        definition, _, what = name.partition(".")
        own = getattr(pack, part, {})
        return definition in definitions and what in {**getattr(definitions[definition], part), **own}

    return holds


def _is_option(name: str, pack: Pack, definitions: Mapping[str, Definition]) -> bool:
    field_name, _, value = name.partition(".")
    named = {o.id for d in definitions.values() if field_name in d.fields for o in d.fields[field_name].options}
    return value in named | {o.id for o in pack.options.get(field_name, ())}


HOLDS: Mapping[str, Holds] = {
    **{kind: _is_row(kind) for kind in ROW_KINDS},
    "action": _is_part("actions"),
    "step": _is_part("steps"),
    "timer": _is_part("timers"),
    "field": _is_part("fields"),
    "evidence": _is_part("evidence"),
    "option": _is_option,
}
