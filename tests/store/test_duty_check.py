"""The great check of duties: acts held against what sealed them, counts against acts; each alteration is named."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.services.duty_check import faults
from app.services.duty_reports import Report, register_warning, report
from app.tables import db
from tests.factories import XIUSHAN
from tests.store.test_duties import APRIL, DAY, at, begin, monitored, rows
from tests.world import World
from workflows.clock import local_date

COUNTY = XIUSHAN[:6]


@pytest.fixture
def kept(world: World) -> World:
    """A visit in a case, a report with a note, a warning received."""
    begin(world)
    walker = monitored(world)
    at(world, APRIL)
    walker.now = APRIL + 3 * DAY
    walker.act("record_visit", "resident_team", visit_mode="phone")
    world.now = walker.now
    row = rows(subject=XIUSHAN)["survey_monthly", "2026-03-31"]
    today = local_date(world.now)
    cadre = world.person("village_cadre")
    said = Report(row.duty, row.begins, (XIUSHAN,), today, nil=True, note="逐户看过，无新增风险")
    report(cadre, COUNTY, said, key="one")
    register_warning(world.person("township_officer"), XIUSHAN, today, note="水质预警", key="two")
    world.now += timedelta(days=1)
    return world


def found(change: str = "") -> list[str]:
    """The codes after an alteration by whoever owns the database."""
    if change:
        with db.engine.begin() as connection:
            connection.execute(text(change))
    return sorted(code for _, code, _ in faults(COUNTY))


def test_what_was_recorded_is_sound_and_a_note_may_be_erased(kept: World) -> None:
    assert found() == []
    assert found("UPDATE duty_acts SET note = '', salt = ''") == []


ALTERATIONS = {
    "UPDATE duty_acts SET role = 'helper' WHERE act = 'assist.record_visit'": "duty_altered",
    "UPDATE duty_acts SET on_day = '2026-04-01' WHERE act = 'report'": "duty_altered",
    "UPDATE duty_acts SET nil = (1 = 0) WHERE act = 'report'": "duty_altered",
    "UPDATE duty_acts SET note = '另有一户' WHERE act = 'report'": "duty_altered",
    "UPDATE duty_acts SET seq = 9999 WHERE act = 'report'": "duty_unsealed",
    "DELETE FROM duty_acts WHERE act = 'report'": "duty_miscounted",
    "UPDATE duty_periods SET done = 1, state = 'done' WHERE duty = 'data_copy'": "duty_miscounted",
}


@pytest.mark.parametrize("change", ALTERATIONS)
def test_an_alteration_is_named(kept: World, change: str) -> None:
    assert set(found(change)) == {ALTERATIONS[change]}
