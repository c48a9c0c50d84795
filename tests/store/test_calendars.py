"""The calendar of record: proposed, looked through, put in force, withdrawn; every process counts by it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from app import create_app
from app.config import Settings
from app.runtime import runtime
from app.services import calendars, check, moving, rule_runs
from app.services.rule_sets import wanted_rules
from app.store import cases as case_store
from app.store.transaction import reading, writing
from app.tables import AccessRow, CalendarRow, DeadlineRow, JournalRow, RuleRun, db
from tests.factories import PACKS, XIUSHAN, rules
from tests.rules.notices import MADE_UP
from tests.rules.test_calendar import AMENDMENT
from tests.store.test_rule_runs import SHIPPED, everything, sound
from tests.world import KEYS, StoredWalker, World
from workflows import recount
from workflows.calendar_file import Document
from workflows.calendars import load_calendar
from workflows.errors import BadDocument, BadValue, NotFound, WrongOffice
from workflows.journal import parse_entry

COUNTY = XIUSHAN[:6]
# Working days that begin here run over New Year: 2027 is not covered when the tests begin.
DECEMBER = datetime(2026, 12, 28, 2, 0, tzinfo=UTC)


def running(world: World, count: int = 2) -> list[StoredWalker]:
    """Cases with a period of working days that ends in January."""
    world.now = DECEMBER
    walkers = []
    for serial in range(1, count + 1):
        walker = world.walker(serial)
        walker.clue().walk("verifying")
        walkers.append(walker)
    world.now = max(walker.now for walker in walkers)
    return walkers


def closing(*days: str) -> Document:
    """Closing days of the county."""
    told = {"zh": "县庆日", "en": "County Day", "title": "县庆放假通知", "number": "秀府办〔2026〕3号"}
    return calendars.closing(COUNTY, days, dated="2026-11-01", reason="县庆", **told)


def work() -> None:
    """Let the scheduler do the runs."""
    assert rule_runs.work()["failed"] == 0


def put_in_force(world: World, text: str | Document, role: str = "county_lead") -> int:
    """Propose a document, look, confirm, count anew; return its number."""
    actor = world.person(role)
    document = calendars.read(text) if isinstance(text, str) else text
    number = calendars.propose(actor, document).id
    work()
    calendars.decide(actor, number, calendars.decision(actor, number).code)
    work()
    return number


def dues() -> dict[tuple[str, str], tuple[str, bool]]:
    """The ends of the running periods."""
    with reading():
        rows = db.session.scalars(select(DeadlineRow).where(DeadlineRow.ended_how.is_(None)))
        return {(row.case, row.kind): (row.due_at, bool(row.provisional)) for row in rows}


def last_entry(case: str) -> dict[str, Any]:
    """The newest entry of a case."""
    with reading():
        query = select(JournalRow.text).where(JournalRow.case == case).order_by(JournalRow.seq.desc())
        return dict(parse_entry(str(db.session.scalars(query).first())))


def test_a_preview_lists_and_changes_nothing(world: World) -> None:
    walkers = running(world)
    before = everything()
    record = calendars.propose(world.person("county_lead"), calendars.read(MADE_UP))
    work()
    assert everything() == before
    told = calendars.decision(world.person("county_lead"), record.id)
    assert (told.record.state, told.how) == ("proposed", "in_force")
    (look,) = told.looks
    assert look.result["changed"] >= len(walkers)
    assert look.result["moving"]
    assert all(row["before"] != row["after"] for row in look.result["moving"])
    assert {row["case"] for row in look.result["moving"]} <= {c.number for w in walkers for c in w.dossier.cases}
    with reading():
        assert runtime().rules.calendar_for(COUNTY) is load_calendar()


def test_confirming_moves_each_case_with_an_entry(world: World) -> None:
    walkers = running(world)
    before = dues()
    number = put_in_force(world, MADE_UP)
    after = dues()
    moved = {key for key in before if before[key] != after.get(key)}
    assert moved
    assert not any(provisional for _, provisional in after.values())
    run = calendars.decision(world.person("county_lead"), number).moves[0]
    assert run.result["moved"] == len({case for case, _ in moved})
    for case, _ in moved:
        entry = last_entry(case)
        assert entry["action"] == "recount"
        assert entry["actor"]["role"] == "county_lead"
        assert "2027" in entry["changes"]["recounted"]["after"]["reason"]
    for walker in walkers:
        walker.refresh()
    sound(world)


def test_a_notice_makes_days_certain(world: World) -> None:
    walker = running(world, 1)[0]
    number = walker.case.number
    assert any(clock.provisional for clock in walker.case.clocks.values())
    put_in_force(world, MADE_UP)
    walker.refresh()
    assert number == walker.case.number
    assert not any(clock.provisional for clock in walker.case.clocks.values())


def test_a_closing_day_and_its_withdrawal_move_there_and_back(world: World) -> None:
    running(world)
    before = dues()
    number = put_in_force(world, closing("2026-12-30"))
    moved = dues()
    assert moved != before
    actor = world.person("county_lead")
    calendars.ask_withdrawal(actor, number)
    work()
    told = calendars.decision(actor, number)
    assert told.how == "withdrawn"
    calendars.decide(actor, number, told.code)
    work()
    assert dues() == before
    assert calendars.decision(actor, number).record.state == "withdrawn"
    sound(world)


def test_another_county_keeps_its_days(world: World) -> None:
    other = world.walker(1, "500230001201")
    world.now = other.now = DECEMBER
    other.clue().walk("verifying")
    before = dues()
    running(world, 1)
    put_in_force(world, closing("2026-12-30"))
    assert {key: dues()[key] for key in before} == before


def test_the_confirm_code_is_of_what_was_seen(world: World) -> None:
    running(world, 1)
    actor = world.person("county_lead")
    number = calendars.propose(actor, calendars.read(MADE_UP)).id
    with pytest.raises(BadValue, match="code"):
        calendars.decide(actor, number, "00000000")
    assert calendars.decision(actor, number).code == ""  # the preview has not run
    code = calendars.code_of(calendars.decision(actor, number).record.digest, "in_force", 0)
    with pytest.raises(BadValue, match="preview"):
        calendars.decide(actor, number, code)
    work()
    assert calendars.decision(actor, number).code == code
    put_in_force(world, closing("2026-12-30"))
    with pytest.raises(BadValue, match="code"):
        calendars.decide(actor, number, code)
    assert calendars.decision(actor, number).record.state == "proposed"


def test_only_the_county_office_decides(world: World) -> None:
    document = calendars.read(MADE_UP)
    for role in ("township_leader", "village_cadre", "auditor"):
        with pytest.raises(WrongOffice):
            calendars.propose(world.person(role), document)
    elsewhere = world.person("county_lead", "500230001201")
    with pytest.raises(WrongOffice):
        calendars.propose(elsewhere, closing("2026-12-30"))
    with pytest.raises(NotFound):
        calendars.decision(elsewhere, 99)


def test_a_proposal_is_dropped(world: World) -> None:
    world.household()
    actor = world.person("admin")
    number = calendars.propose(actor, calendars.read(MADE_UP)).id
    assert calendars.propose(actor, calendars.read(MADE_UP)).id == number
    assert calendars.drop(actor, number).state == "withdrawn"
    with pytest.raises(BadValue):
        calendars.drop(actor, number)
    assert calendars.propose(actor, calendars.read(MADE_UP)).id != number


def test_what_does_not_fit_is_refused_and_nothing_is_kept(world: World) -> None:
    world.household()
    actor = world.person("county_lead")
    gap = MADE_UP.replace("2027", "2029").replace("共", "")
    for text in (
        gap,
        MADE_UP.replace("5月8日（周六）", "5月7日（周五）"),
        AMENDMENT.replace("2026-10-08", "2027-10-08"),
    ):
        with pytest.raises(BadDocument) as refused:
            calendars.propose(actor, calendars.read(text))
        assert refused.value.faults
    with reading():
        assert db.session.scalars(select(CalendarRow)).all() == []
        assert db.session.scalars(select(RuleRun)).all() == []


def test_a_notice_stays_while_others_build_on_it(world: World) -> None:
    world.household()
    actor = world.person("county_lead")
    number = put_in_force(world, MADE_UP)
    with pytest.raises(BadValue, match="in_force"):
        calendars.propose(actor, calendars.read(MADE_UP))
    put_in_force(world, AMENDMENT.replace("2026-10-08", "2027-10-08").replace("2026-10-10", "2027-10-09"))
    with pytest.raises(BadDocument):
        calendars.ask_withdrawal(actor, number)


def test_each_decision_stands_in_the_ledger(world: World) -> None:
    world.household()
    number = put_in_force(world, MADE_UP)
    with reading():
        texts = list(db.session.scalars(select(AccessRow.text).where(AccessRow.county == COUNTY)))
    assert sum('"kind":"calendar"' in text and f"calendar:{number}" in text for text in texts) == 1


def test_a_process_that_runs_notices_what_came_into_force(world: World) -> None:
    walker = running(world, 1)[0]
    other = create_app(Settings(data=world.folder, database_url=world.url, policies=PACKS),
                       clock=lambda: world.now, keys=KEYS, rules=rules())  # fmt: skip
    with other.app_context(), reading():
        assert runtime().rules.calendar_for(COUNTY).last_year == 2026
    put_in_force(world, MADE_UP)
    with other.app_context():
        # A command reads the stamp with the household itself: no other transaction looked before.
        number = case_store.household_of(walker.case.number)
        with writing():
            case_store.lock_dossier(COUNTY, number, "k")
            assert runtime().rules.calendar_for(COUNTY).last_year == 2027
        db.session.remove()
        db.engine.dispose()
    assert rules().calendar_for(COUNTY).last_year == 2026  # what tests share stays as it is


def test_other_rules_are_rehearsed_by_the_days_in_force(world: World) -> None:
    world.household()
    put_in_force(world, MADE_UP)
    with reading():
        assert wanted_rules([SHIPPED]).calendar_for(COUNTY).last_year == 2027


def test_a_run_that_was_cut_off_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    running(world, 3)
    monkeypatch.setattr(moving, "BATCH", 1)
    actor = world.person("county_lead")
    number = calendars.propose(actor, calendars.read(MADE_UP)).id
    work()
    calendars.decide(actor, number, calendars.decision(actor, number).code)
    stops = iter([False, False, True, True, True])
    rule_runs.work(lambda: next(stops, True))
    half = calendars.decision(actor, number).moves[0]
    assert half.is_open
    assert half.result["moved"] > 0
    work()
    whole = calendars.decision(actor, number).moves[0]
    assert whole.state == "done"
    assert whole.result["moved"] > half.result["moved"]
    assert not any(provisional for _, provisional in dues().values())
    sound(world)


def test_a_broken_case_is_left_and_the_others_move(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    walkers = running(world, 3)
    broken = walkers[1].case.number
    real = recount.recount

    def sometimes(machine: Any, dossier: Any, case: Any, *rest: Any, **more: Any) -> Any:
        if case.number == broken:
            raise RuntimeError
        return real(machine, dossier, case, *rest, **more)

    monkeypatch.setattr(recount, "recount", sometimes)
    number = put_in_force(world, MADE_UP)
    run = calendars.decision(world.person("county_lead"), number).moves[0]
    assert [row["case"] for row in run.result["left"]] == [broken.rpartition("-")[0]]
    assert run.result["moved"] >= 2


def test_check_finds_a_document_that_was_altered(world: World) -> None:
    world.household()
    number = put_in_force(world, MADE_UP)
    sound(world)
    with writing():
        text = db.session.scalar(select(CalendarRow.text).where(CalendarRow.id == number))
        changed = str(text).replace("2027-06-09", "2027-06-10")
        db.session.execute(update(CalendarRow).where(CalendarRow.id == number).values(text=changed))
    found: list[check.Damage] = []
    check.check(check.counties(), report=found.append)
    assert [(d.place, d.code) for d in found] == [(f"calendar {number}", "text_altered")]
