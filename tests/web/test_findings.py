"""Rectification items: opened from what an auditor sees, claimed, answered with proof, returned, accepted; in time."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from app.services import deliver, findings, lists, sweep
from app.services.trail import trail_text
from app.store import cases as store
from app.store.transaction import reading
from app.tables import DeadlineRow, Reminder, Wait, db
from tests.api.site import add_api, caller
from tests.factories import FENGDU
from tests.web.site import Browser, browser
from tests.world import World
from workflows.errors import AlreadyOpen, BadValue, MissingEvidence, MissingField, NotFound, Refused, WrongOffice
from workflows.model import Case

HOUSEHOLD = "500241H0000001"
ITEM = f"{HOUSEHOLD}-R1"
FINDING = {"found_by": "exceptions", "finding": "提名意见与多户雷同", "found_at": f"{HOUSEHOLD}-C1 第2步"}


@pytest.fixture
def seen(world: World) -> World:
    """A household nominated at night."""
    walker = world.walker().clue()
    walker.now = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
    walker.act("nominate")
    world.now = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)  # Tuesday
    return world


def item(world: World) -> Case:
    with reading():
        found = store.read_dossier("500241", HOUSEHOLD).by_number(ITEM)
    assert found is not None
    return found


def opened(world: World, level: str = "township") -> Case:
    """An item that was just opened."""
    findings.find(world.person("auditor"), household=HOUSEHOLD, level=level, data=FINDING, key=f"k-{level}")
    return item(world)


def moved(one: Browser, action: str, kinds: tuple[str, ...] = (), **data: str) -> Browser:
    return one.move(f"/cases/{ITEM}/acts/{action}", data, kinds)


def test_from_a_row_of_a_list_to_the_end(seen: World) -> None:
    auditor, township = (browser(seen, seen.person(role)) for role in ("auditor", "township_officer"))
    page = auditor.get("/audit/exceptions/night").text
    button = re.search(r'href="(/households/[^"]+/findings/township[^"]+)"', page)
    assert button
    address = button[1].replace("&amp;", "&")
    form = auditor.get(address).text
    assert f"{HOUSEHOLD}-C1 第2步（夜间签字）" in form
    assert "夜间签字" in unquote(address)
    sent = {"found_by": "exceptions", "found_at": f"{HOUSEHOLD}-C1 第2步", "finding": "夜间签字未说明"}
    page = auditor.move(address, sent).text
    assert "待乡镇整改" in page
    assert "夜间签字未说明" in page
    assert {kind: clock.due for kind, clock in item(seen).clocks.items()} == {
        "claim": "2026-03-06T16:00:00Z",  # three working days: Friday is the last
        "rectify": "2026-03-17T16:00:00Z",
    }
    assert HOUSEHOLD in township.get("/desk").text or "问题整改" in township.text
    assert "已办好" in moved(township, "claim", measures="逐户补记情况").text
    assert set(item(seen).clocks) == {"rectify"}
    assert moved(township, "answer", result="已补记").code == "missing_evidence"
    assert "待审计销号" in moved(township, "answer", ("rectification_proof",), result="已补记").text
    assert "待乡镇整改" in moved(auditor, "return_answer", reason="佐证不清").text
    assert set(item(seen).clocks) == {"rectify"}
    moved(township, "answer", ("rectification_proof",), result="已重新补记")
    assert "已销号" in moved(auditor, "accept", opinion="属实").text
    assert item(seen).closed
    assert "整改事项" in auditor.get(f"/households/{HOUSEHOLD}").text
    assert ITEM in auditor.get("/audit?definition=rectification").text
    assert ITEM in trail_text(seen.person("county_lead"), case=f"{HOUSEHOLD}-C1")


def test_an_item_for_the_county_comes_back_to_the_county(seen: World) -> None:
    assert opened(seen, "county").state == "county_rectifies"
    with reading():
        assert set(db.session.scalars(select(Wait.role).where(Wait.case == ITEM))) == {"county_lead"}
    lead, auditor = browser(seen, seen.person("county_lead")), browser(seen, seen.person("auditor"))
    moved(lead, "claim", measures="督促")
    moved(lead, "answer", ("rectification_proof",), result="已办")
    moved(auditor, "return_answer", reason="未见佐证")
    assert item(seen).state == "county_rectifies"
    moved(auditor, "withdraw_finding", reason="误列")
    assert (item(seen).state, item(seen).clocks) == ("withdrawn", {})


def test_one_item_at_a_time_and_more_findings_go_into_it(seen: World) -> None:
    opened(seen)
    with pytest.raises(AlreadyOpen):
        findings.find(seen.person("auditor"), household=HOUSEHOLD, level="county", data=FINDING, key="again")
    one = browser(seen, seen.person("auditor")).get(f"/households/{HOUSEHOLD}/findings/township")
    assert (one.status, one.code) == (409, "already_open")
    moved(one, "add_finding", found_by="visit", finding="家中无人")
    assert item(seen).seq == 2
    found = lists.household_page(seen.person("auditor"), HOUSEHOLD)
    assert isinstance(findings.refusal_of(seen.person("auditor"), found, "township"), AlreadyOpen)


def test_who_may_not(seen: World) -> None:
    for role in ("township_officer", "county_lead", "village_cadre"):
        with pytest.raises(WrongOffice):
            findings.find(seen.person(role), household=HOUSEHOLD, level="township", data=FINDING, key=role)
        one = browser(seen, seen.person(role)).get(f"/households/{HOUSEHOLD}/findings/township")
        assert (one.status, one.code) == (403, "not_allowed")
    with pytest.raises(NotFound):
        findings.find(seen.person("auditor", FENGDU), household=HOUSEHOLD, level="township", data=FINDING, key="x")
    opened(seen)
    for role, action in (("county_lead", "answer"), ("township_officer", "accept"), ("auditor", "claim")):
        one = browser(seen, seen.person(role)).get(f"/cases/{ITEM}/acts/{action}")
        assert one.status in (403, 409), (role, action, one.status)


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        ({"found_by": "exceptions"}, MissingField),
        ({"finding": "x"}, MissingField),
        ({"found_by": "rumour", "finding": "x"}, BadValue),
        ({"found_by": "visit", "finding": "x" * 3000}, BadValue),
    ],
)
def test_what_a_finding_needs(seen: World, data: dict[str, str], refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        findings.find(seen.person("auditor"), household=HOUSEHOLD, level="township", data=data, key="x")
    assert MissingEvidence.code == "missing_evidence"


def test_every_clock_lapses_and_reminds(seen: World) -> None:
    opened(seen)
    people = [seen.person(role) for role in ("township_officer", "township_leader", "county_lead")]
    seen.now += timedelta(days=60)
    sweep.sweep()
    deliver.deliver()
    assert {"claim", "rectify"} <= set(item(seen).fields["_lapsed"])
    with reading():
        told = set(db.session.scalars(select(Reminder.user_id).where(Reminder.case == ITEM)))
    assert int(people[0].id[1:]) in told
    township = browser(seen, people[0])
    moved(township, "answer", ("rectification_proof",), result="已办")
    seen.now += timedelta(days=60)
    sweep.sweep()
    assert "check" in item(seen).fields["_lapsed"]
    with reading():
        ended = dict(
            db.session.execute(select(DeadlineRow.kind, DeadlineRow.ended_how).where(DeadlineRow.case == ITEM)).all()
        )
        assert not any(db.session.scalars(select(DeadlineRow.trouble).where(DeadlineRow.case == ITEM)))
    assert ended["rectify"] == "late"
    moved(browser(seen, seen.person("auditor")), "accept", opinion="属实")
    assert item(seen).closed


def test_the_api_opens_and_goes_on(seen: World) -> None:
    add_api(seen)
    one = caller(seen, seen.person("auditor"))
    done = one.post(f"/households/{HOUSEHOLD}/findings/township", {"data": FINDING})
    assert (one.status, done["case"]) == (200, ITEM)
    shown = one.get(f"/cases/{ITEM}")
    assert shown["definition"]["id"] == "rectification"
    assert {a["action"] for a in shown["allowed_actions"] if a["allowed"]} == {"add_finding", "withdraw_finding"}
    one.post(f"/households/{HOUSEHOLD}/findings/elsewhere", {"data": FINDING})
    assert one.status == 404
    one.post(f"/households/{HOUSEHOLD}/findings/county", {"data": {"no_such": "x"}})
    assert one.status == 422
