"""The packs against tables of what the documents say (tests/packs/expected), written from the documents."""

import tomllib
from datetime import date, timedelta
from typing import Any

import pytest

from tests.factories import PACKS, Walker, rules, subject
from workflows.clock import Recurring, Window, duration_table, local_date, parse_utc
from workflows.duties import Duty
from workflows.limits import Facts, Limit
from workflows.machine import Compiled
from workflows.policy import Pack
from workflows.terms import LANGUAGES, load_terms
from workflows.wordings import Lexicon


def table(name: str, part: str) -> list[Any]:
    """The rows of a part as parameters of a test, each named by what it asks."""
    rows = tomllib.loads((PACKS / "expected" / f"{name}.toml").read_text(encoding="utf-8"))[part]
    return [pytest.param(row, id=f"{row['place'][:6]}-{_asked(row)}") for row in rows]


def _asked(row: dict[str, Any]) -> str:
    words = [str(row.get(key, "")) for key in ("on", "timer", "key", "id", "purpose", "step", "clue_source")]
    return "-".join(word for word in (*words, *row.get("facts", {}).values()) if word)


def pack_of(row: dict[str, Any]) -> Pack:
    return rules().pack_for(row["place"], date.fromisoformat(row["on"]))


def machine_of(row: dict[str, Any]) -> Compiled:
    return rules().current("household_case", row["place"], row["purpose"], date.fromisoformat(row["on"]))


def clause_of(rule: Any) -> str:
    return "own" if rule.own else rule.clause


def said(limit: Limit) -> str:
    if isinstance(limit.duration, Recurring):
        return f"{limit.duration.times} a {limit.duration.every} {limit.bound}"
    length = duration_table(limit.duration)
    return f"{length['amount']} {length['unit']} {limit.bound}"


@pytest.mark.parametrize("row", table("limits", "limit"))
def test_limit(row: dict[str, Any]) -> None:
    limit = pack_of(row).limit(row["timer"], date.fromisoformat(row["on"]), Facts(**row.get("facts", {})))
    if row["expected"] == "none":
        assert limit is None
        return
    assert limit is not None
    assert (said(limit), clause_of(limit)) == (row["expected"], row["clause"])
    assert (limit.roles, limit.modes) == (tuple(row.get("roles", ())), tuple(row.get("modes", ())))


def told(duty: Duty) -> str:
    length = duration_table(duty.duration)
    if isinstance(duty.duration, Window):
        return f"{length['start']} to {length['end']} {duty.bound}"
    if not isinstance(duty.duration, Recurring):
        return f"{length['amount']} {length['unit']} {duty.bound}"
    much = f"{duty.share} of" if duty.share else f"{length['times']} {duty.counts}".strip()
    by_day = f" by {length['by_day']}" if "by_day" in length else ""
    return f"{much} a {length['every']}{by_day} {duty.bound}"


@pytest.mark.parametrize("row", table("duties", "duty"))
def test_duty(row: dict[str, Any]) -> None:
    found = pack_of(row).duty(row["id"], date.fromisoformat(row["on"]))
    assert (told(found) if found else "none") == row["expected"]
    assert found is None or clause_of(found) == row["clause"]


@pytest.mark.parametrize("row", table("duties", "target"))
def test_target(row: dict[str, Any]) -> None:
    found = pack_of(row).target(row["id"], date.fromisoformat(row["on"]))
    assert (found.value if found else "none") == row["expected"]
    assert found is None or clause_of(found) == row["clause"]


@pytest.mark.parametrize("row", table("rules", "parameter"))
def test_parameter(row: dict[str, Any]) -> None:
    found = pack_of(row).parameter(row["id"], date.fromisoformat(row["on"]))
    assert (found.value, clause_of(found)) == (row["expected"], row["clause"])


@pytest.mark.parametrize("row", table("rules", "condition"))
def test_condition(row: dict[str, Any]) -> None:
    found = next((c for c in pack_of(row).conditions if c.id == row["id"]), None)
    if row["expected"] == "none":
        assert found is None
        return
    assert found is not None
    assert (found.effect, clause_of(found)) == (row["expected"], row["clause"])


@pytest.mark.parametrize("row", table("rules", "order"))
def test_order(row: dict[str, Any]) -> None:
    order = pack_of(row).sequence("household_case", row["purpose"])
    named = [step for step in order.steps if step not in order.own]
    assert (named, order.clause) == (row["named"], row["clause"])
    assert [step.id for step in machine_of(row).order] == list(order.steps)


@pytest.mark.parametrize("row", table("rules", "owner"))
def test_owner(row: dict[str, Any]) -> None:
    step = next(s for s in machine_of(row).order if s.id == row["step"])
    assert list(step.roles) == row["expected"]
    assert step.sign.get("count", 1) == row["signatures"]


@pytest.mark.parametrize("row", table("rules", "pack"))
def test_pack(row: dict[str, Any]) -> None:
    assert pack_of(row).id == row["expected"]


@pytest.mark.parametrize("row", table("terms", "word"))
def test_word(row: dict[str, Any]) -> None:
    on, place = date.fromisoformat(row["on"]), row["place"]
    terms = Lexicon(load_terms()).under(rules().pack_at(place, on))
    assert [terms.text(row["key"], lang, on=on, area=place) for lang in LANGUAGES] == [row["zh"], row["en"]]
    wording = terms.wording(row["key"], on=on, area=place)
    assert wording is not None
    assert (wording.clause or "own") == row["clause"]


HISTORIES = table("histories", "history")


@pytest.mark.parametrize("row", HISTORIES)
def test_history(row: dict[str, Any]) -> None:
    """In through every gate, then asked to leave at once: the steps, the periods with their clauses, the warnings."""
    w = Walker(subject(row["place"])).clue(clue_source=row["clue_source"]).walk()
    assert steps_of(w) == row["steps"]
    periods = {p["kind"]: p for p in periods_of(w)}
    assert [periods[p["kind"]] for p in row["periods"]] == row["periods"]
    w.clue("eliminate").walk("county_review")
    assert w.case.fields["warnings"] == row["warnings"]
    w.check()


def test_no_two_of_the_four_histories_are_alike() -> None:
    told = []
    for row in (param.values[0] for param in HISTORIES):
        w = Walker(subject(row["place"])).clue(clue_source=row["clue_source"]).walk()
        told.append((steps_of(w), sorted((p["kind"], p["last"], p["clause"]) for p in periods_of(w))))
    assert all(one != other for i, one in enumerate(told) for other in told[:i])


def steps_of(w: Walker) -> list[str]:
    entries = [m.entry.body for o in w.outcomes for m in o.moves if m.case.definition == "household_case"]
    return list(dict.fromkeys(body["action"] for body in entries if body["action"] != "report_clue"))


def periods_of(w: Walker) -> list[dict[str, str]]:
    """Every period that was started, with its last day and its clause."""
    clocks = [d.clock for o in w.outcomes for d in o.started]
    last = {c.kind: local_date(parse_utc(c.due) - timedelta(seconds=1)).isoformat() for c in clocks}
    return [{"kind": c.kind, "last": last[c.kind], "clause": c.clause or "own"} for c in clocks]
