"""The same walk as in memory, through services and database, on both engines."""

import pytest

from app.printing import print_trail, verify
from app.services import cases
from app.store import ledger
from app.store.transaction import reading
from app.tables import AccessRow, JournalRow, Reminder, db
from tests.factories import FENGDU, HAINAN, QINGYANG, SEVEN, SUINING, XIUSHAN
from tests.world import World
from workflows.errors import KeyReused, NotFound, OutOfArea, Refused, Stale, WrongState


@pytest.mark.parametrize("area", [XIUSHAN, FENGDU, SUINING, QINGYANG, HAINAN, SEVEN])
def test_in_and_out_through_every_gate(world: World, area: str) -> None:
    """A household comes in, is helped, and goes out; every chain verifies and replays to its row."""
    walker = world.walker(1, area)
    walker.include()
    walker.assist()
    for _ in range(7):
        walker.wait(days=30).act("record_visit")
    walker.eliminate()
    assert walker.status == "eliminated_observing"
    assert [case.number[-2:] for case in walker.dossier.cases if case.closed] == ["C1", "C2"]


def test_the_trail_prints_and_verifies_against_the_live_head(world: World) -> None:
    """Intact and anchored: 0; without an anchor: 3; one byte of the attachment's chain changed: never 0."""
    walker = world.walker()
    walker.include()
    auditor = world.person("auditor")
    pdf = print_trail(auditor, case=walker.case.number)
    assert pdf == print_trail(auditor, case=walker.case.number)
    assert verify(pdf, database=True).code == 0
    assert verify(pdf, database=False).code == 3
    walker.assist()
    assert verify(pdf, database=True).code == 0
    with reading():
        kinds = [row.text for row in db.session.query(AccessRow).filter(AccessRow.text.contains("trail_print"))]
    assert len(kinds) == 2


def test_the_same_key_gets_the_same_answer_and_moves_once(world: World) -> None:
    walker = world.walker()
    first = walker.act("report_clue", purpose="include", key="one-click")
    again = walker.act("report_clue", purpose="include", key="one-click")
    assert (again.case, again.seq, again.repeated) == (first.case, first.seq, True)
    with pytest.raises(KeyReused):
        walker.act("report_clue", purpose="include", key="one-click", clue_note="另一件事")
    assert walker.case.seq == 1


def test_a_stale_page_is_refused_and_changes_nothing_but_the_access_ledger(world: World) -> None:
    walker = world.walker()
    walker.clue()
    walker.act("nominate", version=1)
    before = _journal_size()
    with pytest.raises(Stale) as caught:
        walker.act("sign_authorization", version=1)
    assert caught.value.params == {"seen": 1, "present": 2}
    assert _journal_size() == before
    assert _ledger_kinds() == ["refused"]


def test_one_open_case_a_household(world: World) -> None:
    walker = world.walker()
    walker.clue()
    with pytest.raises(Refused) as caught:
        walker.clue()
    assert caught.value.code == "already_open"


def test_another_village_does_not_even_learn_that_the_case_exists(world: World) -> None:
    walker = world.walker()
    walker.clue()
    stranger = world.person("village_cadre", "500241001202")
    for number in (walker.case.number, "500241H9999999-C1"):
        with pytest.raises(NotFound):
            cases.case_view(stranger, case=number)
        with pytest.raises((NotFound, OutOfArea)):
            cases.act(stranger, case=number, action="nominate", data={}, key="x1")


def test_a_skipped_gate_is_refused(world: World) -> None:
    walker = world.walker()
    walker.clue()
    with pytest.raises(WrongState):
        walker.act("county_approve")
    assert walker.state == "clue_open"


def test_a_reassigned_person_keeps_the_same_hands(world: World) -> None:
    """Field trap: reassign, then approve as another office of the same person."""
    walker = world.walker()
    walker.clue().walk("county_review")
    officer = world.person("township_officer")
    promoted = world.person("county_lead", name="promoted")
    one_person = type(promoted)(promoted.id, promoted.name, officer.person, promoted.offices)
    with pytest.raises(Refused) as caught:
        walker.act("county_approve", one_person)
    assert caught.value.code == "same_hand"


def test_an_auditor_looks_and_it_is_on_record(world: World) -> None:
    walker = world.walker()
    walker.clue()
    view = cases.case_view(world.person("auditor"), case=walker.case.number)
    assert not [a for a in view.allowed if a.is_allowed]
    assert _ledger_kinds() == ["case_read"]
    assert ledger.FORMAT == "fp-access-v1"


def _journal_size() -> int:
    with reading():
        return db.session.query(JournalRow).count()


def _ledger_kinds() -> list[str]:
    import json

    with reading():
        assert db.session.query(Reminder).count() == 0
        return [json.loads(row.text)["kind"] for row in db.session.query(AccessRow).order_by(AccessRow.seq)]
