"""Replay: the case row computed anew from nothing but its entries; the invariant of the whole store."""

from collections.abc import Iterable, Mapping
from typing import Any

from workflows.journal import digest, parse_entry
from workflows.model import Case, Clock


def replay(texts: Iterable[str]) -> Case | None:
    """Return the case that a chain of stored entries amounts to, or None for an empty chain."""
    case: Case | None = None
    for text in texts:
        case = _after(case, parse_entry(text), digest(text))
    return case


def _after(case: Case | None, body: Mapping[str, Any], head: str) -> Case:
    definition, definition_digest = body["definition"].split(":")
    policy, policy_digest = body["policy"].split(":")
    return Case(
        county=body["county"],
        number=body["case"],
        definition=definition,
        definition_digest=definition_digest,
        policy=policy,
        policy_digest=policy_digest,
        purpose=body["purpose"],
        subject=body["subject"],
        state=body["target"],
        seq=body["seq"],
        head=head,
        closed=body["closed"],
        fields=_fields_after(case, body),
        clocks=_clocks_after(case, body),
        opened_at=case.opened_at if case else body["at"],
    )


def _fields_after(case: Case | None, body: Mapping[str, Any]) -> dict[str, Any]:
    changed = {name: change["after"] for name, change in body["changes"].items()}
    return {**(case.fields if case else {}), **changed}


def _clocks_after(case: Case | None, body: Mapping[str, Any]) -> dict[str, Clock]:
    clocks = dict(case.clocks) if case else {}
    for ended in body["deadlines"]["ended"]:
        clocks.pop(ended["kind"], None)
    for started in body["deadlines"]["started"]:
        clocks[started["kind"]] = Clock.read(started)
    return clocks
