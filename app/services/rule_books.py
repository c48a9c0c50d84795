"""Packs and definitions as readers ask for them: in force, of other places, or kept as a case is pinned to them."""

import re
from collections.abc import Sequence
from datetime import date

from app.runtime import runtime
from app.store import cases as store
from app.store.transaction import reading
from workflows.definition import Definition
from workflows.errors import NotFound
from workflows.machine import Compiled
from workflows.policy import Pack
from workflows.tables import BadTable

DIGEST = re.compile(r"[0-9a-f]{64}")


def pack_named(name: str) -> Pack:
    """Return a pack by its id, or by its digest when it is in force or kept; raises NotFound."""
    load_kept(name)
    found = runtime().rules.pack_named(name)
    if found is None:
        raise NotFound(pack=name)
    return found


def definition_named(name: str) -> Definition:
    """Return a definition by its id or digest; raises NotFound."""
    load_kept(name)
    found = runtime().rules.definition_named(name)
    if found is None:
        raise NotFound(definition=name)
    return found


def machines(pack: Pack, definition: Definition) -> list[Compiled]:
    """Return the machines of a definition under a pack, one a purpose.

    Raises NotFound for two that do not fit: a pack kept from before, and a definition that came after it.
    """
    rules = runtime().rules
    try:
        return [rules.machine(definition, pack, purpose) for purpose in definition.purposes]
    except BadTable as mistake:
        raise NotFound(pack=pack.id, definition=definition.id) from mistake


def load_kept(digest: str) -> None:
    """Load a text that the database keeps by its digest, so that what bound an old case can still be read."""
    rules = runtime().rules
    if not DIGEST.fullmatch(digest) or rules.knows(digest):
        return
    with reading():
        for kept in store.kept_texts({digest}):
            rules.add_text(kept.kind, kept.text)


def packs_for(areas: Sequence[str], on: date) -> tuple[list[Pack], list[Pack]]:
    """Return the packs in force for some areas on a day, and all the others, by place and date."""
    rules = runtime().rules
    mine: dict[str, Pack] = {}
    for area in areas:
        try:
            found = rules.pack_for(area, on)
        except BadTable:
            continue
        mine[found.id] = found
    rest = [p for p in rules.packs.values() if p.id not in mine]
    return list(mine.values()), sorted(rest, key=lambda p: (p.area, p.effective))
