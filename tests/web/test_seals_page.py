"""The page of checkpoints: what it lists, what it gives out, and what it says of a case."""

from app.services import seals
from tests.factories import XIUSHAN
from tests.web.site import browser
from tests.world import World
from workflows.checkpoint import read_note, read_proof

CASE = "500241H0000001-C1"


def test_a_county_without_checkpoints_is_told_how_they_come(world: World) -> None:
    world.walker().act("report_clue")
    one = browser(world, world.person("auditor", XIUSHAN)).get("/audit/seals")
    assert "还没有封存点" in one.text
    assert "fangpin/500241/1+" in one.text


def test_checkpoints_are_listed_and_given_out(world: World) -> None:
    world.walker().act("report_clue")
    seals.seal("500241")
    one = browser(world, world.person("county_lead", XIUSHAN)).get("/audit/seals")
    assert "500241 第1号" in one.text
    one.get("/audit/seals/500241/1")
    assert read_note(one.text).checkpoint().origin == "fangpin/500241/1"
    assert one.last is not None
    assert 'filename="checkpoint-500241-1.txt"' in one.last.headers["Content-Disposition"]
    assert one.get("/audit/seals/500241/2").status == 404
    assert one.get("/audit/seals/500230/1").status == 404


def test_a_case_is_verified(world: World) -> None:
    world.walker().act("report_clue")
    seals.seal("500241")
    one = browser(world, world.person("auditor", XIUSHAN)).get(f"/audit/seals?case={CASE.lower()}")
    assert "证明成立" in one.text
    one.get(f"/cases/{CASE}/leaf")
    assert read_proof(one.text).note.checkpoint().size > 0
    assert "还没有封存" in one.get("/audit/seals?case=500241H0000009-C1").text
    assert "还没有封存" in one.get("/audit/seals?case=%3Cb%3E").text
    assert "<b>" not in one.text


def test_others_may_not_look(world: World) -> None:
    for role in ("village_cadre", "township_leader", "helper"):
        one = browser(world, world.person(role, XIUSHAN))
        assert (one.get("/audit/seals").status, one.code) == (403, "not_allowed"), role
