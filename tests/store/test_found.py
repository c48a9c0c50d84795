"""What stored texts are asked for is found by index on both engines, also where a text was damaged."""

import json
from typing import Any

import pytest
from sqlalchemy import func, insert, literal, select, text

from app.opened import opening_key
from app.store import annexes
from app.store.ledger import Line, append_all
from app.store.transaction import is_sqlite, reading, writing
from app.tables import AccessRow, CommandRow, JournalRow, db
from app.tables.texts import gate_key, gate_of, subject_key, taken_of
from tests.world import World
from workflows.journal import canonical

COUNTY, HOUSE = "500241", "500241H0000001"


def plan_of(query: Any) -> str:
    """How the engine would go about a query, were its tables large."""
    if not is_sqlite():
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
    told = str(query.compile(db.engine, compile_kwargs={"literal_binds": True}))
    return "\n".join(str(row) for row in db.session.execute(text(f"EXPLAIN {'QUERY PLAN ' * is_sqlite()}{told}")))


def test_lines_are_found_by_county_and_subject(world: World) -> None:
    lines = [Line("case_read", HOUSE, {"seq": 1}), Line("case_read", f"{HOUSE}-C1", {"subject": HOUSE, "q": '"'})]
    with writing() as now:
        append_all(COUNTY, user="u1", now=now, lines=[*lines, Line("refused", 'a"b', {})])
        append_all("500230", user="u1", now=now, lines=lines[:1])
    with reading():
        found = annexes.lines_on(COUNTY, {HOUSE, "nothing"}, 9)
        assert [line.seq for line in found] == [1], "a detail of that name is no subject"
        assert [line.seq for line in annexes.lines_on(COUNTY, {HOUSE, f"{HOUSE}-C1"}, 9)] == [1, 2]
        assert [line.seq for line in annexes.lines_on(COUNTY, {HOUSE, f"{HOUSE}-C1"}, 1)] == [1]
        query = select(AccessRow.seq).where(subject_key(AccessRow.county, AccessRow.text) == f"{COUNTY} {HOUSE}")
        assert "ix_access_ledger_subject" in plan_of(query)


def test_entries_are_found_by_gate(world: World) -> None:
    walker = world.walker().clue()
    with reading():
        texts = db.session.execute(select(JournalRow.text, gate_of(JournalRow.text))).all()
        assert [json.loads(told)["gate"] for told, _ in texts] == [gate for _, gate in texts]
        query = select(JournalRow.case).where(gate_key(JournalRow.county, JournalRow.text) == f"{COUNTY} verify")
        assert "ix_journal_gate" in plan_of(query)
        spoilt = canonical(
            {"changes": {"note": '"format":"fp-entry-v1","gate":"x"'}, "format": "fp-entry-v1", "gate": ""}
        )
        assert db.session.scalar(select(gate_of(literal(spoilt)))) == ""
    assert walker.case.number


def test_haste_is_found_by_the_key_of_the_form(world: World) -> None:
    key = f"u1/{opening_key(b'k', world.now)}"
    at = world.now.replace(microsecond=0)
    told = {"key": key, "at": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    with reading():
        for given, seconds in ((key, 0), (f"u1/{'a' * 30}", None), (f"system/{key}", None), ("u/o1234567890-", None)):
            asked = select(taken_of(literal(given), literal(told["at"])))
            assert db.session.scalar(asked) == seconds, given
        later = select(taken_of(literal(key), literal(told["at"][:-3] + "59Z")))
        assert db.session.scalar(later) == 59 - at.second
        query = select(CommandRow.seq).where(CommandRow.county == COUNTY, taken_of(CommandRow.key, CommandRow.at) <= 10)
        assert "ix_commands_taken" in plan_of(query)


@pytest.mark.parametrize("damaged", ["", "no JSON", '{"seq":', "[1]", '"subject":"', "\\u0000"])
def test_a_damaged_text_is_stored_and_found_by_nothing(world: World, damaged: str) -> None:
    """It is for the check to name it; an index must neither refuse it nor fail."""
    common = {"county": COUNTY, "seq": 1, "hash": "0" * 64, "at": "2026-03-02T01:00:00Z"}
    with writing():
        db.session.execute(insert(AccessRow).values(text=damaged, **common))
        db.session.execute(insert(JournalRow).values(text=damaged, case=f"{HOUSE}-C1", **common))
    with reading():
        assert annexes.lines_on(COUNTY, {HOUSE}, 9) == []
        assert db.session.scalar(select(func.count()).where(gate_of(JournalRow.text) == "verify")) == 0
