"""Prints are checked over the API as on the page."""

from app import printing
from tests.api.site import caller
from tests.factories import XIUSHAN
from tests.web.test_check import CASE, code_on
from tests.world import World


def test_codes_and_files(world: World) -> None:
    world.walker().act("report_clue")
    auditor = world.person("auditor", XIUSHAN)
    pdf = printing.print_trail(auditor, case=CASE)
    one = caller(world, auditor)
    assert one.post("/check", {"code": code_on(pdf)})["verdict"] == "newest"
    found = one.post("/check/file", raw=pdf)
    assert (found["verdict"], found["entries"], found["later"]) == ("newest", 2, 0)
    assert "此后没有新的记录" in found["sentence"]
    assert one.post("/check/file", raw=pdf + b"%%")["verdict"] in ("altered", "malformed")
    assert one.post("/check", {"code": "hello"})["verdict"] == "form"
    one.post("/check", {})
    assert one.status == 422
