"""Income and categories by place and date against the tables of what the documents say (tests/packs/expected)."""

import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.factories import PACKS, Walker, rules, subject
from workflows.checks import check_pack
from workflows.income import PARAMETERS, frame, is_inside, rule_of
from workflows.inherit import merge
from workflows.journal import canonical
from workflows.policy import parse_pack
from workflows.prove.texts import check_texts
from workflows.registry import POLICIES
from workflows.tables import BadTable

EXPECTED = tomllib.loads((PACKS / "expected" / "incomes.toml").read_text(encoding="utf-8"))


def named(part: str) -> list[Any]:
    return [pytest.param(row, id=f"{row['place'][:6]}-{row['on']}-{n}") for n, row in enumerate(EXPECTED[part])]


@pytest.mark.parametrize("row", named("income"))
def test_window_basis_and_line(row: dict[str, Any]) -> None:
    day = date.fromisoformat(row["on"])
    rule = rule_of(rules().pack_for(row["place"], day), day)
    assert rule is not None
    found = frame(rule)
    clauses = {name: clause or "own" for name, clause in found["clauses"].items()}
    assert (found["from"], found["to"], clauses["income_window"]) == (row["from"], row["to"], row["window_clause"])
    assert (found["basis"], clauses["income_basis"]) == (row["basis"], row["basis_clause"])
    assert (found["line"], clauses["income_line"]) == (row["line"], row["line_clause"])
    for yuan, inside in ((row["inside"], True), (row["outside"], False)):
        assert is_inside(yuan * 100, found["line"], included=found["line_included"]) is inside


@pytest.mark.parametrize("row", named("category"))
def test_what_a_category_demands_is_shown_and_bars_nobody(row: dict[str, Any]) -> None:
    household = subject(row["place"], household_kind=row["kind"])
    w = Walker(household, now=datetime.fromisoformat(f"{row['on']}T02:00:00").replace(tzinfo=UTC))
    w.extra |= {"category": row["category"], "selfpaid_expense": 0, "income_wage": 300_000}
    w.clue().walk("township_audit")
    shown = w.allowed(w.actor("township_officer"))["township_audit"]
    assert shown.is_allowed
    assert list(shown.warnings) == row["warned"]
    labels = {c.id: c for c in w.rules.machine_of(w.case).pack.conditions}
    assert {labels[name].clause for name in row["warned"]} <= {row["clause"]}
    w.walk()
    assert (w.status, w.case.fields["warnings"]) == ("active", row["warned"])


def national() -> dict[str, Any]:
    tables = tomllib.loads((POLICIES / "national.toml").read_text(encoding="utf-8"))
    return {**tables, "id": "broken", "area": "990000"}


def without(part: str, name: str) -> Callable[[dict[str, Any]], None]:
    def change(tables: dict[str, Any]) -> None:
        tables[part] = [row for row in tables[part] if row["id"] != name]

    return change


def put(part: str, name: str, **keys: Any) -> Callable[[dict[str, Any]], None]:
    def change(tables: dict[str, Any]) -> None:
        rows = tables[part].values() if isinstance(tables[part], dict) else tables[part]
        found = tables[part][name] if isinstance(tables[part], dict) else next(r for r in rows if r["id"] == name)
        found.update(keys)

    return change


def not_asked(tables: dict[str, Any]) -> None:
    tables["asks"]["verify"].remove("income_wage")


BROKEN = [
    pytest.param(without("parameters", name), f"parameter {name}: an income sheet needs it", id=name)
    for name in PARAMETERS
] + [
    pytest.param(put("parameters", "income_near", to="2026-01-01"), "not set on ['2026-01-01']", id="gap"),
    pytest.param(put("parameters", "income_window", value="12 moons"), "must be \"12 months\"", id="window"),
    pytest.param(put("parameters", "income_window", value="year from 02-29"), "must be \"12 months\"", id="leap day"),
    pytest.param(put("parameters", "income_basis", value="gross"), "must be net or disposable", id="basis"),
    pytest.param(put("parameters", "income_adds", value=["opinion"]), "of type money that", id="no money"),
    pytest.param(put("parameters", "income_near", value=101), "a percentage of the line", id="percent"),
    pytest.param(not_asked, "one step must ask for all figures", id="not asked"),
    pytest.param(put("conditions", "income_in_range", effect="bar"), "the income line only ever warns", id="line bars"),
    pytest.param(put("conditions", "risk_gone", needs={"fields": ["asset_flags"]}), "decides nothing", id="car"),
    pytest.param(put("conditions", "risk_gone", needs={"fields": ["social_aid"]}), "decides nothing", id="dibao"),
    pytest.param(put("conditions", "once_poor", needs={"kinds": ["rich"]}), "kind of household 'rich'", id="kind"),
    pytest.param(put("conditions", "once_poor", categories=["poor"]), "category 'poor' is not known", id="category"),
    pytest.param(put("conditions", "once_poor", purposes=["leave"]), "purpose 'leave' is not known", id="purpose"),
    pytest.param(put("fields", "asset_note", explains="nothing"), "field 'nothing' is not known", id="explains"),
    pytest.param(put("fields", "asset_note", sources=["radio"]), "source 'radio' is not known", id="source"),
    pytest.param(put("fields", "asset_note", section={"zh": "资产"}), "label needs zh and en", id="section"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), BROKEN)
def test_a_wrong_pack_is_refused_with_its_reason(change: Callable[[dict[str, Any]], None], reason: str) -> None:
    tables = national()
    change(tables)
    with pytest.raises(BadTable) as refused:
        check_pack(parse_pack(canonical(tables)), rules().definitions)
    assert reason in str(refused.value)


def test_a_place_counts_its_year_from_october() -> None:
    """As some provinces do for the yearly account (domain notes, section 3): one row of a pack, no code."""
    year = {"id": "income_window", "value": "year from 10-01", "own": True}
    child = {**{key: national()[key] for key in ("format", "label", "effective")}, "id": "c", "area": "980000"}
    pack = parse_pack(canonical(merge(national(), {**child, "parameters": [year]})))
    check_pack(pack, rules().definitions)
    for day, window in {
        date(2026, 9, 30): ("2024-10-01", "2025-09-30"),
        date(2026, 10, 1): ("2025-10-01", "2026-09-30"),
    }.items():
        rule = rule_of(pack, day)
        assert rule is not None
        assert (frame(rule)["from"], frame(rule)["to"]) == window


def test_a_line_that_neither_sheet_nor_condition_reads_is_found() -> None:
    tables = national()
    tables.pop("asks")
    tables["parameters"] = [row for row in tables["parameters"] if row["id"] not in PARAMETERS]
    read = {f.params["id"] for f in check_texts(parse_pack(canonical(tables)), rules().definitions)}
    tables["conditions"] = [row for row in tables["conditions"] if not row["test"].startswith("income_")]
    unread = {f.params["id"] for f in check_texts(parse_pack(canonical(tables)), rules().definitions)}
    assert unread - read == {"income_line", "income_line_included"}
