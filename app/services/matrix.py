"""The permission matrix: every action of every machine of a pack by role, with who must step aside."""

from typing import Any

from app.labels import Speech
from app.services.guide import Guide, guides, head_of
from workflows.outline import Deed
from workflows.policy import Pack
from workflows.registry import Rules

ROLES = (
    "grid_member", "village_cadre", "resident_team", "helper", "township_officer", "township_leader", "sector_dept",
    "county_lead",
)  # fmt: skip


def matrix(words: Speech, pack: Pack, rules: Rules) -> dict[str, Any]:
    """Return the matrix as plain values: roles, and for each machine its actions with a cell for each role."""
    found = guides(words, pack, rules)
    acting = {role for guide in found for deed in guide.deeds for role in deed.everybody}
    roles = [*(r for r in ROLES if r in acting), *sorted(acting - set(ROLES))]
    return {
        "lang": words.lang,
        "head": head_of(words, pack),
        "title": words.say("rules.matrix_of", place=words.pick(pack.label, pack.id)),
        "under": words.say("rules.matrix_under"),
        "key": words.say("rules.matrix_key"),
        "roles": [words.role(role) for role in roles],
        "cols": {name: words.say(f"rules.col_{name}") for name in ("action", "asides")},
        "parts": [{"title": guide.title, "rows": [_row(guide, d, roles) for d in guide.deeds]} for guide in found],
        "signs": {name: words.say(f"rules.matrix_{name}") for name in ("all", "some")},
    }  # fmt: skip


def _row(guide: Guide, deed: Deed, roles: list[str]) -> dict[str, Any]:
    cells = [_cell(deed, role) for role in roles]
    return {"id": deed.id, "action": guide.action(deed), "cells": cells, "notes": notes(guide, deed)}


def _cell(deed: Deed, role: str) -> str:
    if deed.asker in ("case", "system", "rules") or role not in deed.roles:
        return ""
    return "all" if deed.is_everywhere(role) else "some"


def notes(guide: Guide, deed: Deed) -> list[str]:
    """Return how an action is signed and who steps aside; and who may do it at some steps only."""
    if deed.asker != "people":
        return [guide.who(deed)]
    found = [guide.signing(deed.form, deed.everybody)] if deed.form.sign.get("mode", "one") != "one" else []
    found += [guide.bar(bar) for bar in deed.bars]
    alike: dict[tuple[str, ...], list[str]] = {}
    for role, states in deed.roles.items():
        if not deed.is_everywhere(role):
            alike.setdefault(states, []).append(role)
    return [*found, *(guide.say("only_at", role=guide.roles(r), states=guide.states(s)) for s, r in alike.items())]
