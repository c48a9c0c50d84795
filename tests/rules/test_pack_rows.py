"""Mistakes in what packs say of selectors, signatures, omissions and inheritance; all of a file's mistakes at once."""

from datetime import date
from functools import cache
from pathlib import Path

import pytest

from tests.factories import PACKS
from workflows import registry
from workflows.clock import parse_duration
from workflows.definition import read_definition
from workflows.inherit import merge
from workflows.journal import canonical
from workflows.limits import Facts
from workflows.policy import parse_pack, read_tables
from workflows.registry import POLICIES, load_rules
from workflows.tables import BadTable

TEXT = (PACKS / "eight-steps.toml").read_text(encoding="utf-8")
FORMER = 'kinds = ["former_poor"]\nunit'
MUTATIONS = [
    pytest.param(FORMER, 'kinds = ["rich"]\nunit', "kinds 'rich' is not known", id="kind"),
    pytest.param(FORMER, 'kinds = "former_poor"\nunit', "a list of names is needed", id="kind no list"),
    pytest.param(FORMER, "kinds = []\nunit", "a list of names is needed", id="kind empty"),
    pytest.param(FORMER, 'colours = ["red"]\nunit', "colours", id="selector unknown"),
    pytest.param('sources = ["village_bell"]', 'sources = ["smoke"]', "sources 'smoke' is not known", id="source"),
    pytest.param('statuses = ["elim', 'statuses = ["x_elim', "statuses 'x_eliminated_observing'", id="status"),
    pytest.param('roles = ["resident_team"]\nmodes', 'roles = ["king"]\nmodes', "roles 'king'", id="limit role"),
    pytest.param('modes = ["boat", "home"]', 'modes = ["balloon"]', "modes 'balloon'", id="limit mode"),
    pytest.param(FORMER, f'modes = ["home"]\n{FORMER}', "only a duty of each period", id="modes of a period"),
    pytest.param('every = "week"', 'every = "day"', "every = 'day'", id="every"),
    pytest.param(
        'unit = "recurring"\nevery = "week"', 'unit = "months"\namount = 1', "must be recurring", id="no duty"
    ),
    pytest.param('unit = "working_days"\namount = 20', "amount = 20", "unit = None", id="no unit"),
    pytest.param(
        'unit = "working_days"\namount = 20',
        'unit = "working_days"\namount = 20\ncalendar = "moon"',
        "calendar: 'moon' is unknown; known are cn-workdays",
        id="no such calendar",
    ),
    pytest.param(
        'unit = "working_days"\namount = 20',
        'unit = "calendar_days"\namount = 20\ncalendar = "cn-workdays"',
        "only a limit in working_days counts by one",
        id="calendar of days that need none",
    ),
    pytest.param(
        'kinds = ["former_poor"]\nsources = ["village_bell"]',
        'kinds = ["former_poor", "ordinary"]',
        "neither is more specific",
        id="tie of values",
    ),
    pytest.param(
        'kinds = ["former_poor"]\nsources = ["village_bell"]',
        'sources = ["village_bell"]',
        "rows for kinds former_poor and for sources village_bell may both hold",
        id="tie of keys",
    ),
    pytest.param(
        'kinds = ["former_poor"]\nsources = ["village_bell"]',
        'kinds = ["former_poor"]',
        "two rows hold",
        id="twice the same",
    ),
    pytest.param(
        '[[conditions]]\nid = "measure',
        '[[parameters]]\nid = "income_line"\nvalue = 1\nown = true\nto = "2026-01-01"\n'
        '[[parameters]]\nid = "income_line"\nvalue = 2\nown = true\nfrom = "2025-01-01"\n[[conditions]]\nid = "measure',
        "parameter income_line: two rows hold on 2025-01-01",
        id="overlap",
    ),
    pytest.param('modes = ["assisted"]', 'modes = ["by magic"]', "mode 'by magic'", id="condition mode"),
    pytest.param('step = "review"\nbody', 'step = "dance"\nbody', "step 'dance'", id="signature step"),
    pytest.param('body = {zh = "村民代表会议", en = ', "body = {en = ", "zh and en", id="body"),
    pytest.param('step = "review"\nbody', 'step = "review"\ncount = 2\nbody', "a vote is signed", id="vote count"),
    pytest.param('mode = "all"', 'mode = "most"', "must be one, all or any", id="mode"),
    pytest.param('mode = "all"', 'mode = "any"', "needs a count", id="any without count"),
    pytest.param('mode = "all"', 'mode = "all"\ncount = 2', "only mode any has a count", id="all with count"),
    pytest.param("count = 3", "count = -3", "must be 1 or more", id="count"),
    pytest.param("count = 3", "hands = 3", "unknown key 'hands'", id="signature key"),
    pytest.param('roles = ["sector_dept"]\ncount', 'roles = ["king"]\ncount', "role 'king'", id="signature role"),
    pytest.param(
        'step = "county_approve"\ncount',
        'step = "county_approve"\nroles = ["village_cadre"]\ncount',
        "a gate is signed at its own level",
        id="level",
    ),
    pytest.param(
        'step = "verify"\npurposes = ["include"]', 'step = "verify"\npurposes = ["joy"]', "'joy'", id="purpose"
    ),
    pytest.param(
        'step = "compare"\nroles', 'step = "verify"\nroles', "signature verify: stands twice", id="signature twice"
    ),
    pytest.param('count = 3\nclause = "T8 四"', "count = 3", "names no source", id="signature clause"),
    pytest.param('action = "fast_track"', 'action = "refuse"', "action that a place may omit 'refuse'", id="omit"),
    pytest.param('action = "fast_track"\n', "", "'action' is missing", id="omit nothing"),
    pytest.param('signed = "nominate"', 'signed = "heaven"', "gate 'heaven'", id="aside gate"),
    pytest.param('at = ["village_review"]', 'at = ["nominate"]', "other gates", id="aside itself"),
    pytest.param('verify = ["well_tested"]', 'verify = ["moon_phase"]', "field 'moon_phase'", id="asks field"),
    pytest.param('verify = ["well_tested"]', 'dance = ["well_tested"]', "step 'dance'", id="asks step"),
    pytest.param("visit_mode = [{", "visit_note = [{", "no choice", id="options of no choice"),
    pytest.param('id = "boat"', 'id = "home"', "an option stands twice", id="option twice"),
    pytest.param('own = ["compare"]', 'own = ["announce"]', "step 'announce'", id="own step not in order"),
    pytest.param('extends = "national"', 'extends = "500230-fengdu"', "effective only from later", id="later parent"),
]


@pytest.fixture(autouse=True)
def _read_definitions_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The definitions are the same in every test here."""
    monkeypatch.setattr(registry, "read_definition", cached)


cached = cache(read_definition)


def refused(text: str, folder: Path) -> str:
    """What is said of a site's pack."""
    (folder / "520998-site.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadTable) as mistake:
        load_rules(folder)
    return str(mistake.value)


@pytest.mark.parametrize(("right", "wrong", "reason"), MUTATIONS)
def test_a_mistake_is_refused(right: str, wrong: str, reason: str, tmp_path: Path) -> None:
    assert right in TEXT
    said = refused(TEXT.replace(right, wrong, 1), tmp_path)
    assert reason in said
    assert all(line.startswith("520998-site.toml: ") for line in said.splitlines())


def test_all_mistakes_of_a_file_are_said_at_once_with_their_lines(tmp_path: Path) -> None:
    wrong = {
        'clause = "T8 十一"': 'clause = "T9 十一"',
        'modes = ["boat", "home"]': 'modes = ["balloon"]',
        'action = "fast_track"': 'action = "refuse"',
        'signed = "nominate"': 'signed = "heaven"',
    }
    text = TEXT
    for right, bad in wrong.items():
        text = text.replace(right, bad, 1)
    said = refused(text, tmp_path).splitlines()
    lines = text.splitlines()
    third = [i for i, line in enumerate(lines, 1) if line == 'timer = "household_case.id_total"'][2]
    rows = [lines.index(row) + 1 for row in ('timer = "assist.visit_open"', 'action = "refuse"', 'signed = "heaven"')]
    assert [int(line.split("line ")[1].split(":")[0]) for line in said] == [*rows, third]
    assert all(line.startswith("520998-site.toml: line ") for line in said)
    reasons = ("modes 'balloon'", "a place may omit 'refuse'", "gate 'heaven'", "'T9 十一' names no source")
    assert all(reason in line for reason, line in zip(reasons, said, strict=True))


def test_mistakes_of_several_files_are_said_at_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        text = TEXT.replace("520998-eight", f"520998-{name}").replace("count = 3", "count = 0\nfoo = 1")
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadTable, match=r"(?s)a\.toml: .*foo.*\nb\.toml: .*foo"):
        load_rules(tmp_path)


def test_two_packs_of_one_place_from_one_day_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text(TEXT.replace("520998-eight", f"520998-{name}"), encoding="utf-8")
    with pytest.raises(BadTable, match=r"^b\.toml: pack 520998-b-steps: pack 520998-a-steps is for the same place"):
        load_rules(tmp_path)


def test_a_place_may_have_packs_of_several_days(tmp_path: Path) -> None:
    later = TEXT.replace("520998-eight", "520998-later").replace('effective = "2024-01-01"', 'effective = "2025-07-01"')
    for name, text in (("a", TEXT), ("b", later)):
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    rules = load_rules(tmp_path)
    held = [rules.pack_for("520998001201", date(2025, month, 30)).id for month in (6, 7)]
    assert held == ["520998-eight-steps", "520998-later-steps"]


# --- inheritance ------------------------------------------------------------
def limit(timer: str = "t", amount: int = 1, **more: object) -> dict[str, object]:
    return {"timer": timer, "unit": "calendar_days", "amount": amount, "bound": "max", "own": True, **more}


HEAD = {"format": "fp-pack-v1", "id": "x", "area": "", "label": {"zh": "甲", "en": "A"}, "effective": "2024-01-01"}


def test_a_row_for_all_replaces_every_row_of_its_timer() -> None:
    parent = {**HEAD, "limits": [limit(), limit(amount=2, kinds=["former_poor"]), limit("u")]}
    merged = merge(parent, {**HEAD, "limits": [limit(amount=9)]})
    assert [(row["timer"], row["amount"]) for row in merged["limits"]] == [("u", 1), ("t", 9)]


def test_a_row_for_some_replaces_those_for_the_same() -> None:
    parent = {**HEAD, "limits": [limit(), limit(amount=2, kinds=["a", "b"]), limit(amount=3, kinds=["c"])]}
    merged = merge(parent, {**HEAD, "limits": [limit(amount=9, kinds=["b", "a"])]})
    assert [row["amount"] for row in merged["limits"]] == [1, 3, 9]


def test_options_and_questions_stand_behind_the_parent_s() -> None:
    parent = {**HEAD, "options": {"f": [{"id": "a"}]}, "asks": {"verify": ["one"]}}
    merged = merge(parent, {**HEAD, "options": {"f": [{"id": "b"}]}, "asks": {"verify": ["two"], "post": ["three"]}})
    assert merged["options"] == {"f": [{"id": "a"}, {"id": "b"}]}
    assert merged["asks"] == {"verify": ["one", "two"], "post": ["three"]}


def test_a_pack_that_says_nothing_new_keeps_its_text() -> None:
    """What came later is left out while empty: a pack of before is kept under the digest that it had."""
    tables = read_tables(POLICIES / "national.toml")
    tables.pop("asks")
    merged = merge(tables, {**HEAD, "limits": []})
    assert not {"signatures", "omitted", "aside", "options", "asks", "targets"} & merged.keys()


def test_the_most_specific_row_wins_and_unknown_facts_fit_none() -> None:
    rows = [limit(), limit(amount=2, kinds=["a"]), limit(amount=3, kinds=["a"], sources=["s"])]
    pack = parse_pack(canonical({**HEAD, "limits": rows}))

    def amount(**facts: str) -> int:
        found = pack.limit("t", pack.effective, Facts(**facts))
        assert found is not None
        return next(n for n in (1, 2, 3) if found.duration == parse_duration({"unit": "calendar_days", "amount": n}))

    assert [amount(), amount(kind="a"), amount(source="s"), amount(kind="a", source="s")] == [1, 2, 1, 3]
