"""Several cases in one request: what became of each, versions and fields as strict as for one."""

from tests.api.site import caller
from tests.factories import FENGDU
from tests.world import StoredWalker, World


def before_approval(world: World, count: int) -> list[StoredWalker]:
    walkers = [world.walker(serial).clue().walk("county_review") for serial in range(1, count + 1)]
    world.now = max(walker.now for walker in walkers)
    return walkers


def test_each_case_is_answered_and_the_same_key_again_repeats(world: World) -> None:
    walkers = before_approval(world, 2)
    lead = caller(world, world.person("county_lead"))
    wanted = [{"case": w.case.number, "version": w.case.seq} for w in walkers]
    wanted.append({"case": "500241H0009999-C1", "version": 1})
    sent = {"action": "county_approve", "cases": wanted, "data": {"opinion": "同意"}}
    body = lead.post("/acts", sent, key="k")
    assert (lead.status, body["done"], body["refused"]) == (200, 2, 1)
    assert [row["case"] for row in body["rows"]] == [one["case"] for one in wanted]
    assert [row["entry"] for row in body["rows"]] == [w.case.seq + 1 for w in walkers] + [None]
    assert body["rows"][2]["reason"]["code"] == "not_found"
    again = lead.post("/acts", sent, key="k")
    assert [row["repeated"] for row in again["rows"]] == [True, True, False]
    other = lead.post("/acts", sent, headers={"Accept-Language": "en"})
    assert {row["reason"]["code"] for row in other["rows"]} == {"stale", "not_found"}
    assert other["rows"][0]["reason"]["params"] == {"seen": walkers[0].case.seq, "present": walkers[0].case.seq + 1}


def test_what_is_no_request_is_refused_whole(world: World) -> None:
    (walker,) = before_approval(world, 1)
    lead = caller(world, world.person("county_lead"))
    one = {"case": walker.case.number, "version": walker.case.seq}
    assert lead.post(
        "/acts",
        {"action": "county_approve", "cases": [one], "data": {"opinion": "同意"}},
        headers={"Idempotency-Key": ""},
    )
    assert (lead.status, lead.code) == (400, "key_missing")
    for sent in ([], [one, one], [{"case": "x", "version": 1}], [{"case": walker.case.number}]):
        lead.post("/acts", {"action": "county_approve", "cases": sent, "data": {"opinion": "同意"}})
        assert (lead.status, lead.code) == (422, "bad_value"), sent
    wrong = lead.post("/acts", {"action": "county_approve", "cases": [one], "data": {"opinoin": "同意"}})
    assert wrong["rows"][0]["reason"]["code"] == "bad_value"
    walker.refresh()
    assert walker.case.state == "county_review"


def test_a_foreign_case_answers_like_none(world: World) -> None:
    world.walker(1, FENGDU).clue()
    lead = caller(world, world.person("county_lead"))
    rows = []
    for number in (f"{FENGDU[:6]}H0000001-C1", f"{FENGDU[:6]}H0009999-C1"):
        sent = {"action": "county_approve", "cases": [{"case": number, "version": 1}], "data": {"opinion": "同意"}}
        rows.append({**lead.post("/acts", sent)["rows"][0], "case": ""})
    assert rows[0] == rows[1]
    assert rows[0]["reason"]["code"] == "not_found"
