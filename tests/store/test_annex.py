"""The annex of a trail: refusals, looks, prints and receipts of one household, up to the sealed line of the ledger."""

import json
from typing import Any

import pytest
from sqlalchemy import update

from app.printing import order_for_store, print_trail, verify
from app.services import cases
from app.services.deliver import deliver
from app.services.seal_keys import key_of
from app.services.seals import seal
from app.store import append_only, receipts, reminders
from app.store.ledger import Line, append_all
from app.store.transaction import writing
from app.tables import AccessRow, Reminder, db
from reports import fangpin_verify as alone
from reports.container import open_container
from tests import second_verifier
from tests.print.test_render import text_of
from tests.world import World
from workflows.errors import BrokenChain

pytestmark = pytest.mark.above_store  # prints of what other tests of the store write on both
COUNTY = "500241"


@pytest.fixture
def number(world: World) -> str:
    """A case that was read and printed, and of which somebody was told."""
    world.person("village_cadre")
    walker = world.walker(1).clue()
    world.walker(2).clue()
    deliver()
    cases.case_view(world.person("auditor"), case="500241H0000002-C1")
    seal(COUNTY)
    cases.case_view(world.person("auditor"), case=walker.case.number)
    cases.case_view(world.person("auditor"), case="500241H0000002-C1")
    print_trail(world.person("auditor"), case=walker.case.number)
    return str(walker.case.number)


def annex_in(pdf: bytes) -> dict[str, Any]:
    found = open_container(pdf).annex
    return dict(json.loads(found)) if found else {}


def kinds_in(pdf: bytes) -> list[str]:
    return [json.loads(line["text"])["kind"] for line in annex_in(pdf)["lines"]]


def test_it_tells_of_this_household_up_to_the_seal(world: World, number: str) -> None:
    auditor = world.person("auditor")
    assert kinds_in(print_trail(auditor, case=number)) == [], "both were later than the seal"
    seal(COUNTY)
    pdf = print_trail(auditor, case=number)
    assert kinds_in(pdf) == ["case_read", "trail_print", "trail_print"]
    held = annex_in(pdf)
    assert held["reminders"]
    assert {item["case"] for item in held["reminders"]} == {number}
    assert "500241H0000002" not in open_container(pdf).annex
    assert "附录" in text_of(pdf)
    assert print_trail(auditor, case=number) == pdf, "the same checkpoint, the same bytes, whoever looked meanwhile"


def test_both_verifiers_and_the_database_take_it(world: World, number: str) -> None:
    seal(COUNTY)
    pdf, key = print_trail(world.person("auditor"), case=number), key_of(COUNTY).text
    assert verify(pdf, database=True, key=key).code == 0
    assert alone.verify(pdf, key)[0] == second_verifier.judge(pdf, key) == 0
    seal(COUNTY)
    assert verify(pdf, database=True, key=key).code == 0, "lines that came later change nothing"


def test_what_became_of_a_reminder_later_is_not_told_yet(world: World, number: str) -> None:
    seal(COUNTY)
    auditor = world.person("auditor")
    before = print_trail(auditor, case=number)
    first = annex_in(before)["reminders"][0]
    assert (first["read"], first["answered"]) == ("", "")
    world.now = world.now.replace(hour=(world.now.hour + 1) % 24)
    with writing() as now:
        reminders.mark_read(int(first["user"][1:]), now)
        receipts.note_answer(COUNTY, number, int(first["user"][1:]), "acted", now)
    assert annex_in(print_trail(auditor, case=number))["reminders"][0] == first
    seal(COUNTY)
    later = annex_in(print_trail(auditor, case=number))["reminders"][0]
    assert later["read"]
    assert later["answer"] == "acted"


def test_other_variants_and_unsealed_counties_have_none(world: World) -> None:
    number = world.walker(1).clue().case.number
    auditor = world.person("auditor")
    pdf = print_trail(auditor, case=number)
    assert annex_in(pdf) == {}
    assert "本件不附查阅" in text_of(pdf)
    seal(COUNTY)
    for variant in ("masked", "public"):
        pdf = print_trail(auditor, case=number, variant=variant)
        assert annex_in(pdf) == {}
        assert "附录" not in text_of(pdf)


def test_a_kept_trail_stays_the_same_until_the_case_changes(world: World, number: str) -> None:
    seal(COUNTY)
    one = order_for_store(number)
    cases.case_view(world.person("auditor"), case=number)
    seal(COUNTY)
    assert order_for_store(number).key == one.key


def test_an_altered_line_is_never_printed(world: World, number: str) -> None:
    seal(COUNTY)
    pdf = print_trail(world.person("auditor"), case=number)
    seq = annex_in(pdf)["lines"][0]["seq"]
    with writing():
        connection = db.session.connection()
        append_only.remove(connection)
        other = AccessRow.text.op("||")(" ")
        changed = AccessRow.county == COUNTY, AccessRow.seq == seq
        db.session.execute(update(AccessRow).where(*changed).values(text=other))
        append_only.install(connection)
    with pytest.raises(BrokenChain):
        print_trail(world.person("auditor"), case=number)
    found = verify(pdf, database=True)
    assert (found.code, "annex_line_not_live" in [one.code for one in found.findings]) == (2, True)


def test_lines_of_other_kinds_stay_out(world: World, number: str) -> None:
    """What names other households too is no business of this one's reader."""
    with writing() as now:
        append_all(COUNTY, user="u1", now=now, lines=[Line("duty", number, {"subjects": ["500241H0000002"]})])
    seal(COUNTY)
    assert "duty" not in kinds_in(print_trail(world.person("auditor"), case=number))
    with writing():
        assert db.session.query(Reminder).count() > 0
