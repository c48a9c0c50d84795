"""Cases by the API: the same guards as the pages, version and key in every command, all or nothing."""

from datetime import date

import pytest

from app.api.cases import VERIFY_EXAMPLE
from app.services import cases, evidence
from app.tables import AccessRow, db
from tests.api.site import Caller, caller
from tests.factories import DATES, FENGDU, VALUES, XIUSHAN, rules
from tests.world import StoredWalker, World, picture
from workflows.clock import local_date

CASE = "/cases/500241H0000001-C1"


@pytest.fixture
def walker(world: World) -> StoredWalker:
    """A household whose case waits for its nomination."""
    return world.walker().clue()


def nomination(walker: StoredWalker) -> dict[str, object]:
    """The values of a nomination."""
    form = walker.rules.machine_of(walker.case).step_of("nominate")
    assert form is not None
    known = {**VALUES, **dict.fromkeys(DATES, local_date(walker.now).isoformat())}
    return {name: known[name] for name in form.fields if name in known}


def entries(walker: StoredWalker) -> int:
    """How many entries the case has."""
    walker.refresh()
    return walker.case.seq


def test_a_case_says_what_may_be_done_and_why_not_the_rest(world: World, walker: StoredWalker) -> None:
    one = caller(world, world.person("village_cadre"))
    body = one.get(CASE)
    assert one.status == 200, body
    assert (body["number"], body["version"]) == (walker.case.number, walker.case.seq)
    assert one.last is not None
    assert one.last.headers["ETag"] == f'"{walker.case.seq}"'
    allowed = {a["action"]: a for a in body["allowed_actions"]}
    assert allowed["nominate"]["allowed"]
    assert allowed["nominate"]["reason"] is None
    extras = {"section", "explains", "never_decides"}
    assert {"id", "label", "type", "required", "options"} | extras == set(allowed["nominate"]["fields"][0])
    barred = next(a for a in body["allowed_actions"] if not a["allowed"])
    assert barred["reason"]["code"]
    assert barred["reason"]["sentence"]
    english = one.get(CASE, headers={"Accept-Language": "en"})
    assert english["state"]["label"] != body["state"]["label"]
    assert "139****0000" in str(body["household"])
    assert "13900000000" not in str(body)


def test_an_act_needs_key_and_version_and_is_done_once(world: World, walker: StoredWalker) -> None:
    one, before = caller(world, world.person("village_cadre")), entries(walker)
    data = nomination(walker)
    path = f"{CASE}/acts/nominate"
    assert one.post(path, {"data": data}, headers={"Idempotency-Key": ""})["code"] == "key_missing"
    assert one.status == 400
    assert one.post(path, {"data": data})["code"] == "version_missing"
    assert one.status == 428
    stale = one.post(path, {"data": data, "version": before + 5})
    assert (one.status, stale["code"], stale["params"]) == (409, "stale", {"seen": before + 5, "present": before})
    assert entries(walker) == before
    done = one.post(path, {"data": data}, key="k1", headers={"If-Match": f'"{before}"'})
    assert (one.status, done) == (200, {"case": walker.case.number, "entry": before + 1, "repeated": False})
    again = one.post(path, {"data": data, "version": before}, key="k1")
    assert again == {**done, "repeated": True}
    other = one.post(path, {"data": {**data, "opinion": "另一意见"}, "version": before}, key="k1")
    assert (one.status, other["code"]) == (409, "key_reused")
    assert entries(walker) == before + 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"opinion": "a\0b"}, "bad_request"),
        ({"opinion": "\ud800"}, "bad_request"),
        ({"income_per_head": 1.5}, "bad_request"),
        ({"income_per_head": 10**30}, "bad_request"),
        ({"income_per_head": "90"}, "bad_value"),
        ({"risks": [{"a": 1}]}, "bad_value"),
        ({"risks": "illness"}, "bad_value"),
        ({"no_such_field": "x"}, "bad_value"),
        ({"opinion": ""}, "missing_field"),
    ],
)
def test_bad_values_are_named_and_nothing_is_done(
    world: World, walker: StoredWalker, change: dict[str, object], code: str
) -> None:
    one, before = caller(world, world.person("village_cadre")), entries(walker)
    problem = one.post(f"{CASE}/acts/nominate", {"version": before, "data": {**nomination(walker), **change}})
    assert (one.code, problem["code"], one.last is not None) == (code, code, True)
    assert 400 <= one.status < 500
    assert entries(walker) == before


@pytest.mark.parametrize("tag", ['""', '"x"', '"1", "2"', '"99999999999999"', '"-1"'])
def test_a_version_that_is_none_is_refused(world: World, walker: StoredWalker, tag: str) -> None:
    one = caller(world, world.person("village_cadre"))
    assert one.post(f"{CASE}/acts/nominate", {}, headers={"If-Match": tag})["code"] == "bad_value"
    assert one.post(f"{CASE}/acts/nominate", {"version": 7}, headers={"If-Match": '"8"'})["code"] == "bad_value"
    assert one.post(f"{CASE}/acts/nominate", {}, headers={"If-Match": "*"})["code"] == "version_missing"


def test_evidence_is_named_by_its_digest_and_must_be_ones_own(world: World, walker: StoredWalker) -> None:
    walker.act("nominate")
    who, other = world.person("village_cadre"), world.person("resident_team")
    form = cases.case_view(who, case=walker.case.number)
    verify = next(a for a in form.allowed if a.is_allowed and a.evidence)
    known = {**VALUES, **dict.fromkeys(DATES, local_date(walker.now).isoformat())}
    handed = [evidence.take_in(who, county="500241", kind=kind, data=picture(kind)) for kind in verify.evidence]
    body = {
        "version": walker.case.seq,
        "data": {name: known[name] for name in verify.fields if name in known},
        "evidence": [{"kind": item.kind, "sha256": item.sha256} for item in handed],
    }
    path = f"{CASE}/acts/{verify.action}"
    assert caller(world, other).post(path, body)["code"] == "missing_evidence"
    assert caller(world, who).post(path, {**body, "evidence": []})["code"] == "missing_evidence"
    done = caller(world, who).post(path, body)
    assert done["entry"] == walker.case.seq + 1, done


def test_a_clue_opens_a_case(world: World) -> None:
    number = world.household(7)
    one = caller(world, world.person("village_cadre"))
    form = one.get(f"/households/{number}/clues/include")
    assert (form["allowed"], form["reason"]) == (True, None)
    assert [field["id"] for field in form["fields"]][:1] == ["clue_source"]
    body = {"data": {name: VALUES[name] for name in ("clue_source", "clue_note")}}
    done = one.post(f"/households/{number}/clues/include", body)
    assert done == {"case": f"{number}-C1", "entry": 1, "repeated": False}
    assert one.post(f"/households/{number}/clues/include", body)["code"] == "already_open"
    assert one.get(f"/households/{number}/clues/include")["reason"]["code"] == "already_open"
    assert one.post(f"/households/{number}/clues/nonsense", body)["code"] == "bad_value"


def test_what_lies_elsewhere_is_not_there(world: World, walker: StoredWalker) -> None:
    for one in (
        caller(world, world.person("village_cadre", FENGDU)),
        caller(world, world.person("county_lead"), area="500241999000"),
        Caller(world.app, world.app.test_client(), caller(world, world.person("helper")).token),
    ):
        missing = one.get("/cases/500241H0009999-C1")
        assert one.get(CASE) == missing
        assert one.status == 404
        assert one.post(f"{CASE}/acts/nominate", {"version": 1, "data": {}})["code"] == "not_found"
        assert one.get(f"{CASE}/acts/nominate") == missing


def test_an_auditors_look_by_token_is_in_the_ledger(world: World, walker: StoredWalker) -> None:
    caller(world, world.person("auditor")).get(CASE)
    db.session.rollback()
    assert any('"case_read"' in row.text for row in db.session.query(AccessRow).filter_by(county=XIUSHAN[:6]))


def test_the_example_of_a_visit_is_a_form_of_today() -> None:
    step = rules().current("household_case", XIUSHAN, "include", date(2026, 3, 2)).step_of("verify")
    assert step is not None
    data = VERIFY_EXAMPLE["data"]
    assert isinstance(data, dict)
    given = set(data)
    assert set(step.fields) - set(step.optional) <= given <= set(step.fields)
