"""Prints are checked over the API as on the page."""

from app import office_seal, printing
from tests.api.site import caller
from tests.factories import XIUSHAN
from tests.web.test_check import CASE, NAME, bundle_of, code_on
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


def test_electronic_seals_and_bundles(world: World) -> None:
    world.walker().act("report_clue")
    auditor = world.person("auditor", XIUSHAN)
    one, bare = caller(world, auditor), printing.print_trail(auditor, case=CASE)
    told = one.post("/check/file", raw=bundle_of(bare))
    assert (told["verdict"], told["sentence"][:2], told["seal"], told["seal_sentence"]) == ("bundle", "真实", "", "")
    office_seal.make(world.folder / office_seal.FOLDER, NAME, algorithm="p256", now=world.now)
    told = one.post("/check/file", raw=printing.print_trail(auditor, case=CASE))
    assert (told["verdict"], told["seal"], told["seal_by"], told["seal_at"][:5]) == ("newest", "good", NAME, "2026-")
    assert NAME in told["seal_sentence"]
