"""A pack's own words: which keys there are, and what is wrong with them, named with the key."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from workflows.definition import Definition, Label
from workflows.policy import Pack
from workflows.tables import Mistakes
from workflows.terms import LANGUAGES, REFERENCE, Terms, Wordings, faults_of, load_terms

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
Definitions = Mapping[str, Definition]


def label_keys(definition: Definition) -> dict[str, Label]:
    """Return the keys under which the labels of a definition may be worded anew, each with its own label."""
    name = definition.id
    found = {f"definition.{name}": definition.label}
    found |= {f"purpose.{name}.{key}": label for key, label in definition.purposes.items()}
    found |= {f"gate.{gate.id}": gate.label for gate in definition.gates.values()}
    found |= {f"state.{name}.{state.id}": state.label for state in definition.states.values()}
    found |= {f"state.{name}.{step.state}": step.state_label for step in definition.steps.values()}
    found |= {f"action.{name}.{step.action}": step.label for step in definition.steps.values()}
    found |= {f"action.{name}.{action.id}": action.label for action in definition.actions.values()}
    found |= {f"timer.{name}.{timer.id}": timer.label for timer in definition.timers.values()}
    found |= {f"evidence.{kind}": label for kind, label in definition.evidence.items()}
    for field in definition.fields.values():
        found[f"field.{field.id}"] = field.label
        found |= {f"option.{field.id}.{one.id}": {"zh": one.zh, "en": one.en} for one in field.options}
    return found


def known_keys(pack: Pack, definitions: Definitions) -> set[str]:
    """Return every key that a pack may word: the policy's words, labels of definitions and of what it adds itself."""
    own = {f"condition.{row.id}" for row in pack.conditions}
    own |= {f"field.{name}" for name in pack.fields} | {f"evidence.{kind}" for kind in pack.evidence}
    own |= {f"option.{name}.{one.id}" for name, rows in pack.options.items() for one in rows}
    for step in pack.steps.values():
        home = next((d.id for d in definitions.values() if step.gate in d.gates), "")
        own |= {f"state.{home}.{step.state}", f"action.{home}.{step.action}"}
    return own.union(load_terms(), *(label_keys(d) for d in definitions.values()))


def ensure_wordings(tables: Mapping[str, Any]) -> None:
    """Raise BadTable with every mistake in the wordings that a pack's own file holds, one a line.

    Two wordings of one key for one place may not hold on the same day; an open end gives way to a later ``from``.
    """
    found = Mistakes()
    where = f"pack {tables['id']}"
    for key, rows in tables.get("terms", {}).items():
        for fault in faults_of(rows):
            found.note(f"{where}, term {key}: {fault}")
    found.ensure_none()


def check_terms(pack: Pack, definitions: Definitions, where: str) -> None:
    """Check a pack's words: known keys, sources, the same blanks as the catalogue's, references that end."""
    found = Mistakes()
    known = known_keys(pack, definitions)
    terms = load_terms().under(pack.terms)
    for key in pack.terms:
        place = f"{where}, term {key}"
        if key not in known:
            found.note(f"{place}: no such key; {_alike(key, known)}")
        for fault in (*_unsourced(pack, key), *_blanks(pack.terms, key), *_endless(terms, key)):
            found.note(f"{place}: {fault}")
    found.ensure_none()


def _alike(key: str, known: Collection[str]) -> str:
    """Name the keys of the same kind, else the kinds."""
    kind = key.partition(".")[0]
    same = sorted(one for one in known if one.partition(".")[0] == kind)
    kinds = sorted({one.partition(".")[0] for one in known})
    return f"known are {', '.join(same)}" if same else f"kinds of keys are {', '.join(kinds)}"


def _unsourced(pack: Pack, key: str) -> Iterator[str]:
    for one in pack.terms[key]:
        if one.clause and one.clause.split(" ")[0] not in pack.sources:
            yield f"clause {one.clause!r} of {one.labels['zh']!r} names no source"


def _blanks(own: Wordings, key: str) -> Iterator[str]:
    """A sentence may only name what the program fills in there."""
    catalogue = load_terms()
    told = [one.labels[lang] for one in (catalogue.variants(key) if key in catalogue else ()) for lang in LANGUAGES]
    given = {name for text in told for name in PLACEHOLDER.findall(text)}
    for one in own[key]:
        for name in sorted({n for lang in LANGUAGES for n in PLACEHOLDER.findall(one.labels[lang])} - given):
            yield f"{one.labels['zh']!r} names {'{' + name + '}'}, which nothing fills in"


def _endless(terms: Terms, key: str, path: tuple[str, ...] = ()) -> Iterator[str]:
    """References must lead to words, and not back to where they began."""
    if key in path:
        yield f"refers to itself by way of {' → '.join((*path, key))}"
        return
    named = {name for one in terms.variants(key) for lang in LANGUAGES for name in REFERENCE.findall(one.labels[lang])}
    for name in sorted(named):
        if name not in terms:
            yield f"refers to {name!r}, which is no term"
        else:
            yield from _endless(terms, name, (*path, key))


class Lexicon:
    """The one answer to "what is this called": a key in a language on a day in an area under a pack."""

    def __init__(self, catalogue: Terms) -> None:
        self.catalogue = catalogue
        self._under: dict[str, Terms] = {}

    def under(self, pack: Pack | None) -> Terms:
        """Return the words under a pack (none: the catalogue's own), made once for each digest."""
        if pack is None or not pack.terms:
            return self.catalogue
        if pack.digest not in self._under:
            self._under[pack.digest] = self.catalogue.under(pack.terms)
        return self._under[pack.digest]
