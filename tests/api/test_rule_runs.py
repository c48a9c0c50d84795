"""Changes of rules by the API: the same as on the pages."""

from app.services import rule_runs
from tests.api.site import caller
from tests.factories import XIUSHAN
from tests.store.test_rule_runs import COUNTY, SHIPPED, STRICTER, install, standing
from tests.world import World


def test_the_api_does_the_same(world: World) -> None:
    standing(world, "clue_open")
    one = caller(world, world.person("county_lead", XIUSHAN))
    bad = one.post("/rule-runs", {"county": COUNTY, "packs": [SHIPPED.replace("amount = 15", "amount = 0")]})
    assert (one.status, bad["code"]) == (422, "bad_rules")
    assert "amount = 0" in bad["params"]["reasons"][0]
    install(world, STRICTER)
    shown = one.post("/rule-runs", {"county": COUNTY})["id"]
    rule_runs.work()
    found = one.get(f"/rule-runs/{shown}")
    assert (found["state"], found["result"]["changed"]) == ("done", 2)
    changed = one.post(f"/rule-runs/{shown}/apply", {"reason": "新办法施行"})["id"]
    rule_runs.work()
    assert one.get(f"/rule-runs/{changed}")["result"]["moved"] == 2
    one.post(f"/rule-runs/{changed}/revert", {"reason": "暂缓施行"})
    rule_runs.work()
    assert [row["kind"] for row in one.get("/rule-runs")["rows"]] == ["revert", "apply", "rehearse"]
