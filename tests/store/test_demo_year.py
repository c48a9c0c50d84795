"""The demo year: the same on the same day, every state in it, sound in every chain, and nobody in it is real."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from app import create_app
from app.config import read_settings
from app.idnumber import SYNTHETIC_REGION
from app.services import boards, check, demo, people
from app.services.check import Damage
from app.services.demo_roster import Village
from app.services.demo_year import LEAST, YEAR, Year
from app.services.setup import close
from app.store.lists import CaseFilter
from app.tables import db
from tests.prove import county_year
from workflows.clock import utc_text
from workflows.registry import load_rules

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
VILLAGES = [Village(f"50024110320{n}", f"某{n}村", "隘口镇", "秀山土家族苗族自治县", "重庆市") for n in range(5)]
BUILD_SECONDS = 300

pytestmark = pytest.mark.timeout(2 * BUILD_SECONDS)


def built(folder: Path, now: datetime) -> Flask:
    """Make a small demo as ``fangpin demo`` does, and open it by the clock of that moment."""
    settings = read_settings({"FANGPIN_DATA": str(folder)})
    steps: list[int] = []
    demo.make(settings, make_app=create_app, now=now, progress=steps.append, households=LEAST)
    assert sum(steps) == demo.size(), "the bar comes to its end"
    return create_app(settings, clock=lambda: now)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One small demo for all tests of this file; they only read, but for the looks that are noted."""
    made = built(tmp_path_factory.mktemp("year") / "demo", NOW)
    with made.app_context():
        yield made
        close(made)


def rows(query: str) -> list[tuple[object, ...]]:
    """Ask the database directly."""
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def year_of(day: date, size: int = LEAST) -> Year:
    """The plan alone, without a database."""
    return Year(demo.read(YEAR), size, day, VILLAGES)


def actions() -> Counter[str]:
    """How often each action stands in the journals of the year's households."""
    found = rows("SELECT json_extract(text, '$.action'), count(*) FROM journal GROUP BY 1")
    return Counter({str(action): int(str(count)) for action, count in found})


SEEN = (
    "SELECT number, definition, purpose, state, seq, opened_at FROM cases ORDER BY number",
    "SELECT \"case\", seq, field, value FROM disclosures WHERE field NOT IN ('helper') ORDER BY 1, 2, 3",
    "SELECT number, area, group_name, head_name, member_count, kind, phone FROM households ORDER BY number",
    "SELECT household, position, name, sex, born, id_masked FROM members ORDER BY 1, 2",
    'SELECT "case", kind, generation, due_at, ended_at FROM deadlines ORDER BY 1, 2, 3',
    "SELECT username, name, county FROM users ORDER BY id",
    "SELECT duty, subject, begins, due_at, state, done, settled_at FROM duty_periods ORDER BY 1, 2, 3",
    "SELECT json_extract(text, '$.kind'), count(*) FROM access_ledger GROUP BY 1 ORDER BY 1",
)


def test_every_state_of_every_definition_occurs(app: Flask) -> None:
    found = {(definition, state) for definition, state in rows("SELECT definition, state FROM cases")}
    wanted = {(d.id, state) for d in load_rules().definitions.values() for state in d.states}
    assert wanted - found == set()


@pytest.mark.whole
def test_the_same_day_makes_the_same_year(app: Flask, tmp_path: Path) -> None:
    before = {query: rows(query) for query in SEEN}
    again = built(tmp_path / "again", NOW)
    with again.app_context():
        for query in SEEN:
            assert rows(query) == before[query], query
        close(again)


def test_a_check_finds_nothing(app: Flask) -> None:
    found: list[Damage] = []
    tally = check.check(check.counties(), report=found.append)
    assert found == []
    assert tally.entries > 500


def test_all_that_a_year_brings_is_in_it(app: Flask) -> None:
    done = actions()
    wanted = (
        "object", "dismiss_objection", "uphold_objection", "return_case", "appeal", "uphold_appeal", "dismiss_appeal",
        "fail_review", "withdraw", "merge_duplicate", "fast_track", "correct", "change_helper", "flag_safety_net",
        "unflag_safety_net", "close_natural", "eliminate", "stabilise", "lapse", "record_visit", "deliver_measure",
    )  # fmt: skip
    assert [action for action in wanted if not done[action]] == []


def test_a_household_came_in_again_after_it_went_out(app: Flask) -> None:
    """In, out through the same gates, and in again: three cases that were all concluded."""
    found = rows(
        "SELECT subject FROM cases WHERE definition = 'household_case' AND state = 'concluded'"
        " GROUP BY subject HAVING sum(purpose = 'include') > 1 AND sum(purpose = 'eliminate') = 1"
    )
    assert found != []


def test_boards_have_something_to_show(app: Flask) -> None:
    """Late cases on the township's board, unread reminders, looks of the auditor, prints, exports and refusals."""
    assert boards.overdue(people.actor_named("xs-township")).total > 0
    assert boards.audit(people.actor_named("xs-audit"), CaseFilter(state="publicizing")).total > 0
    kinds = {kind for (kind,) in rows("SELECT DISTINCT json_extract(text, '$.kind') FROM access_ledger")}
    wanted = {"case_read", "trail_print", "households_exported", "households_imported", "grid_assigned", "refused"}
    assert wanted - kinds == set()
    assert rows("SELECT count(*) FROM reminders WHERE read_at IS NULL")[0] > (0,)
    assert rows("SELECT count(*) FROM reminders WHERE read_at IS NOT NULL")[0] > (0,)


def test_every_duty_of_the_year_is_accounted_for(app: Flask) -> None:
    """What must exist is enumerated anew, day by day; done, late, missed, dropped and nil all occur."""
    told = county_year.account(NOW)
    assert all(word in told for word in (" done", " late", " missed", " open", " dropped")), told
    assert rows("SELECT count(*) FROM duty_acts WHERE nil")[0] > (10,)


def test_nothing_lies_ahead_of_today(app: Flask) -> None:
    """What is dated after the demo was made would look made up, and would stop the chain's clock."""
    latest = rows("SELECT max(at) FROM journal")[0][0]
    assert str(latest) <= utc_text(NOW)
    first = rows("SELECT min(opened_at) FROM cases")[0][0]
    assert str(first) < (NOW - timedelta(days=365)).isoformat(), "a whole year lies behind"


def test_nobody_is_real(app: Flask) -> None:
    names = [str(name) for (name,) in rows("SELECT name FROM members UNION SELECT name FROM users")]
    assert [name for name in names if not name.startswith("测试")] == []
    numbers = {str(number)[:6] for (number,) in rows("SELECT id_masked FROM members")}
    assert numbers == {SYNTHETIC_REGION}
    assert {str(phone)[:3] for (phone,) in rows("SELECT phone FROM households")} == {"100"}


def test_a_plan_depends_on_the_day_alone() -> None:
    today = NOW.date()
    assert year_of(today).houses == year_of(today).houses
    assert year_of(today).fates == year_of(today).fates
    assert year_of(today).houses != year_of(today + timedelta(days=1)).houses


@pytest.mark.parametrize("size", [LEAST, 700, demo.FULL])
def test_a_plan_has_every_course_and_no_name_or_number_twice(size: int) -> None:
    year = year_of(NOW.date(), size)
    assert {course["id"] for course, _ in year.fates.values()} == {course["id"] for course in year.table["courses"]}
    people_in_it = [row for house in year.houses for row in house.rows]
    assert len({row["*证件号码"] for row in people_in_it}) == len(people_in_it)
    assert len({house.rows[0]["*姓名"] for house in year.houses}) == size, "heads are told apart by name"
    assert 2.5 < len(people_in_it) / size < 3.6


def test_incomes_add_up() -> None:
    """As the national system counts: net is what came in without the cost of it, shared by heads."""
    for house in year_of(NOW.date()).houses:
        row = house.rows[0]
        kinds = ("工资性收入", "生产经营性收入", "财产性收入", "转移性收入")
        came_in = sum(float(row[f"{kind}\n（元）"]) for kind in kinds)
        net = float(row["家庭纯收入\n（元）"])
        assert net == came_in - float(row["生产经营性支出\n（元）"])
        assert house.per_head == round(float(row["人均纯收入\n（元）"]) * 100)
