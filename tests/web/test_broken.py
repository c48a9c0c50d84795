"""A chain that is not what was sealed: nothing is printed, and whoever audits is told, however it was met."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from app.services.deliver import deliver
from app.store.transaction import reading, writing
from app.tables import AccessRow, CaseRow, db
from tests.api.site import add_api, caller
from tests.web.site import browser
from tests.world import World

PLACES = [
    ("POST", "/cases/{case}/trail"),
    ("POST", "/cases/{case}/papers/application"),
    ("GET", "/cases/{case}?as_of=2026-03-02"),
]


def broken(world: World) -> str:
    walker = world.walker().clue().walk("reviewing")
    world.now = walker.now
    with writing():
        db.session.execute(update(CaseRow).values(head="0" * 64))
    return str(walker.case.number)


def noted(world: World) -> list[dict[str, object]]:
    with reading():
        lines = [json.loads(text) for text in db.session.scalars(select(AccessRow.text).order_by(AccessRow.seq))]
    return [line for line in lines if line["kind"] == "refused"]


@pytest.mark.parametrize(("method", "path"), PLACES)
def test_prints_and_looks_at_a_broken_chain_reach_the_auditor(world: World, method: str, path: str) -> None:
    number = broken(world)
    one = browser(world, world.person("village_cadre" if "papers" in path else "auditor"))
    with capture_logs() as logged:
        if method == "POST":
            one.get("/papers").post(path.format(case=number), {})
        else:
            one.get(path.format(case=number))
    assert (one.status, one.code) == (409, "broken_chain")
    [line] = noted(world)
    assert (line["subject"], line["detail"]["code"]) == (number, "broken_chain")  # type: ignore[index]
    assert ("chain_broken", number) in [(entry["event"], entry.get("subject")) for entry in logged]


def test_the_api_tells_too(world: World) -> None:
    number = broken(world)
    add_api(world)
    auditor = caller(world, world.person("auditor"))
    auditor.post(f"/cases/{number}/trail", {})
    assert (auditor.status, auditor.code) == (409, "broken_chain")
    assert [line["subject"] for line in noted(world)] == [number]


def test_auditors_are_told_the_case_whatever_the_address_was(world: World) -> None:
    """Papers of several cases name them in the form, not in the address."""
    number, auditor = broken(world), world.person("auditor")
    one = browser(world, world.person("village_cadre")).get("/papers")
    one.post("/papers/application", {"cases": number})
    assert (one.status, one.code) == (409, "broken_chain")
    deliver()
    assert f"记录与封存时不符：{number}" in browser(world, auditor).get("/reminders").text


def test_auditors_are_told_once_a_day_however_often_it_is_met(world: World) -> None:
    number = broken(world)
    auditor = world.person("auditor")
    one = browser(world, auditor)
    for _ in range(3):
        one.get("/papers").post(f"/cases/{number}/trail", {})
    assert len(noted(world)) == 3
    deliver()
    said = one.get("/reminders").text
    assert said.count(f"记录与封存时不符：{number}") == 1
    world.now += timedelta(days=1)
    later = browser(world, auditor)
    later.get("/papers").post(f"/cases/{number}/trail", {})
    deliver()
    assert later.get("/reminders").text.count(f"记录与封存时不符：{number}") == 2
