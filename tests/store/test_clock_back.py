"""A clock that was set back seals nothing; whoever only waited for the lock seals at the later time."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.labels import Speech, refusal_sentence
from app.services.sweep import sweep
from app.store.transaction import reading, sealing_time, writing
from app.tables import DeadlineRow, JournalRow, db
from tests.factories import START
from tests.world import World
from workflows.clock import local_date, parse_utc, utc_text
from workflows.errors import ClockBack

HOUR = timedelta(hours=1)


def entry_times() -> list[str]:
    """The times of all entries, in the order of their cases."""
    with reading():
        return list(db.session.scalars(select(JournalRow.at).order_by(JournalRow.case, JournalRow.seq)))


def test_a_command_under_a_clock_set_back_is_refused(world: World) -> None:
    walker = world.walker().clue()
    before = entry_times()
    walker.wait(hours=-1)
    with pytest.raises(ClockBack) as refused:
        walker.act("nominate")
    times = {"clock": utc_text(START - HOUR), "latest": utc_text(START)}
    assert (refused.value.code, dict(refused.value.params)) == ("clock_back", times)
    assert entry_times() == before
    walker.wait(hours=1).act("nominate")
    assert len(entry_times()) > len(before)


def test_the_sentence_names_both_times_in_both_languages(world: World) -> None:
    refused = ClockBack(clock="2026-03-02T01:00:05Z", latest="2026-03-02T02:00:00Z")
    for lang in ("zh", "en"):
        sentence = refusal_sentence(Speech(lang, local_date(START)), refused)
        assert "2026-03-02 09:00:05" in sentence
        assert "2026-03-02 10:00:00" in sentence


def test_a_repeated_command_is_still_answered(world: World) -> None:
    """It seals nothing, so the clock is none of its business."""
    walker = world.walker().clue()
    first = walker.act("nominate", key="same")
    walker.now = START - HOUR
    again = walker.act("nominate", case=walker.case, key="same")
    assert (again.seq, again.repeated) == (first.seq, True)


def test_who_waited_for_the_lock_seals_at_the_later_time(world: World) -> None:
    began, sealed = START, START + timedelta(seconds=2)
    world.now = sealed + timedelta(seconds=1)
    with writing():
        assert sealing_time(utc_text(sealed), began) == world.now
        assert sealing_time(utc_text(sealed), sealed) == sealed
        assert sealing_time("", began) == began


def test_the_sweep_keeps_the_period_and_goes_on(world: World) -> None:
    """One household whose entries lie in the future stops no other one, and lapses once the time has come."""
    walker = world.walker()
    walker.clue()
    other = world.walker(2)
    other.clue()
    due = parse_utc(walker.case.clocks["clue_accept"].due)
    ahead = due + timedelta(days=3)
    walker.now = ahead
    walker.act("add_evidence", files=["other"])
    assert _sweep_at(world, due + HOUR)["failed"] >= 1
    row = _period(walker.case.number)
    assert (row.ended_how, row.stage) == (None, 0)
    assert "clock_back" in str(row.trouble)
    assert _period(other.case.number).stage > 0
    _sweep_at(world, ahead + timedelta(days=1))
    assert _period(walker.case.number).trouble is None
    assert _period(walker.case.number).stage > 0


def _sweep_at(world: World, when: datetime) -> dict[str, int]:
    world.now = when
    return dict(sweep())


def _period(case: str) -> DeadlineRow:
    with reading():
        row = db.session.get(DeadlineRow, (case[:6], case, "clue_accept", 1))
        assert row is not None
        db.session.expunge(row)
        return row
