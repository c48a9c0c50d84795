"""Refusals as HTTP: one table for all of them, sentences in both languages, nothing of ours on a broken page."""

import logging

import pytest

from app.access import guard_page
from app.views.errors import HTTP, code_of, status_of
from tests.web.site import browser
from tests.world import World
from workflows.errors import OutOfArea, Refused


def family(kind: type[Refused]) -> list[type[Refused]]:
    """All refusals there are."""
    return [kind, *(found for child in kind.__subclasses__() for found in family(child))]


def test_every_refusal_has_its_status() -> None:
    codes = {kind.code for kind in family(Refused) if kind is not Refused}
    assert codes == set(HTTP)
    assert set(HTTP.values()) == {400, 401, 403, 404, 409, 422, 428, 429, 503}


def test_out_of_area_is_said_as_not_found() -> None:
    assert (status_of(OutOfArea(area="1")), code_of(OutOfArea(area="1"))) == (404, "not_found")


@pytest.mark.parametrize(("lang", "sentence"), [("zh", "找不到该记录"), ("en", "There is no such record")])
def test_sentence_code_and_header(world: World, lang: str, sentence: str) -> None:
    one = browser(world, world.person("village_cadre")).get("/desk")
    one.post("/language", {"lang": lang, "back": "/desk"})
    one.get("/cases/500241H0000099-C1")
    assert (one.status, one.code) == (404, "not_found")
    assert sentence in one.text
    assert "<code>not_found</code>" in one.text


def test_problem_json_for_those_who_ask(world: World) -> None:
    one = browser(world, world.person("village_cadre"))
    one.get("/cases/500241H0000099-C1", headers={"Accept": "application/problem+json"})
    assert one.last is not None
    assert one.last.mimetype == "application/problem+json"
    assert one.last.get_json()["code"] == "not_found"


def test_a_broken_page_shows_a_number_and_nothing_else(world: World, caplog: pytest.LogCaptureFixture) -> None:
    number = "500241195803040018"

    def broken() -> None:
        raise RuntimeError(number)

    world.app.before_request_funcs[None].insert(0, broken)
    one = browser(world)
    with caplog.at_level(logging.ERROR):
        one.get("/login")
    world.app.before_request_funcs[None].remove(broken)
    assert guard_page in world.app.before_request_funcs[None]
    assert (one.status, one.code) == (500, "fault")
    for secret in ("RuntimeError", "Traceback", number):
        assert secret not in one.text
    reference = caplog.records[-1].getMessage().split()[1].rstrip(":")
    assert f"<code>{reference}</code>" in one.text
    assert number not in caplog.text


def test_unknown_page_and_wrong_method(world: World) -> None:
    one = browser(world, world.person("village_cadre"))
    assert one.get("/nowhere").status == 404
    assert one.get("/logout").status == 405
    assert one.get("/cases/500241H0000001-C1/acts/no_such_act").status == 404
