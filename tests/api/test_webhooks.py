"""Webhooks from the outbox to a real server: signed, once, tried again, given up, replayed; nothing personal."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from app.outward import Allowed
from app.runtime import runtime
from app.services import webhooks
from app.services.deliver import deliver
from app.services.webhooks import EVENTS, MOST_TRIES, wait_after
from app.tables import AccessRow, Webhook, WebhookDelivery, db
from tests.api.receiver import Receiver, receiving
from tests.api.site import caller
from tests.factories import FENGDU
from tests.world import World
from workflows.errors import BadValue, ForbiddenAddress, NotFound

LOOPBACK = Allowed(networks=(ip_network("127.0.0.0/8"),), plain_http=True)
COUNTY = "500241000000"


@pytest.fixture
def there(world: World) -> Iterator[Receiver]:
    """A receiver that this site may reach."""
    kept = runtime()
    kept.settings = replace(kept.settings, webhook_allowed=LOOPBACK)
    with receiving() as one:
        yield one


def states() -> list[tuple[str, int]]:
    """State and tries of all deliveries."""
    db.session.rollback()
    rows = db.session.query(WebhookDelivery).order_by(WebhookDelivery.id)
    return [(row.state, row.tries) for row in rows]


def test_a_move_arrives_signed_and_without_personal_data(world: World, there: Receiver) -> None:
    world.household()
    hook, secret = webhooks.add(world.person("admin"), url=there.url, area=COUNTY, events=EVENTS)
    world.walker().clue().act("nominate")
    deliver()
    assert dict(webhooks.send_due()) == {"delivered": len(there.got)}
    events = [json.loads(body) for _, body in there.got]
    moved = [event for event in events if event["event"] == "moved"]
    assert [event["data"]["action"] for event in moved] == ["report_clue", "open_candidate", "nominate"]
    assert moved[-1]["id"] == "500241:500241H0000001-C1:2"
    assert {event["event"] for event in events} == {"moved", "waiting"}
    for headers, body in there.got:
        signed = headers["Fangpin-Timestamp"].encode() + b"." + body
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        assert headers["Fangpin-Signature"] == f"v1={expected}"
        assert headers["Fangpin-Event"] == json.loads(body)["id"]
        assert "张三" not in body.decode()
        assert "测试" not in body.decode()
        assert "家中有人" not in body.decode()
    assert deliver()["delivered"] == 0
    assert not webhooks.send_due()
    assert hook.id
    db.session.rollback()
    assert secret not in str(vars(db.session.query(Webhook).one()))


def test_only_the_area_and_the_events_asked_for(world: World, there: Receiver) -> None:
    admin = world.person("admin")
    world.household()
    webhooks.add(admin, url=there.url, area="500241999000", events=EVENTS)
    webhooks.add(admin, url=there.url, area="500241001000", events=["overdue"])
    world.walker().clue()
    deliver()
    assert states() == []


def test_no_webhook_no_line_in_the_outbox(world: World) -> None:
    world.walker().clue()
    assert dict(deliver()) == {"delivered": 1}


def test_failures_are_tried_again_then_given_up_and_can_be_replayed(world: World, there: Receiver) -> None:
    admin = world.person("admin")
    world.household()
    hook, _ = webhooks.add(admin, url=there.url, area=COUNTY, events=["moved"])
    world.walker().clue()
    deliver()
    there.status = 500
    for tries in range(MOST_TRIES):
        assert states() == [("waiting", tries)] * 2
        webhooks.send_due()
        assert not webhooks.send_due(), "nothing is due before its time"
        world.now += wait_after(tries)
    assert states() == [("dead", MOST_TRIES)] * 2
    spent = sum((wait_after(n) for n in range(MOST_TRIES - 1)), timedelta())
    assert timedelta(hours=20) < spent < timedelta(hours=28)
    there.status, there.got = 204, []
    one = webhooks.deliveries(admin, hook.id)[0][0]
    assert (one.state, one.last_status) == ("dead", "500")
    assert webhooks.replay(admin, hook.id, delivery=one.id) == 1
    webhooks.send_due()
    assert webhooks.replay(admin, hook.id, since="2026-01-01T00:00:00Z") == 2
    webhooks.send_due()
    assert len({headers["Fangpin-Event"] for headers, _ in there.got}) == 2
    assert len(there.got) == 3
    for wrong in ({"since": "yesterday"}, {}, {"since": "2026-01-01T00:00:00Z", "delivery": 1}):
        with pytest.raises(BadValue):
            webhooks.replay(admin, hook.id, **wrong)
    for stranger, number in ((world.person("admin", FENGDU), hook.id), (admin, hook.id + 9)):
        with pytest.raises(NotFound):
            webhooks.replay(stranger, number, since="2026-01-01T00:00:00Z")
    db.session.rollback()
    kinds = [json.loads(row.text)["kind"] for row in db.session.query(AccessRow).filter_by(county="500241")]
    assert {"webhook_added", "webhook_replayed"} <= set(kinds)


def test_a_hanging_receiver_costs_one_time_limit_a_round(
    world: World, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = world.person("admin")
    world.household()
    slow, _ = webhooks.add(admin, url=there.url, area=COUNTY, events=["moved"])
    for serial in range(1, 5):
        world.walker(serial).clue()
    with receiving() as quick:
        webhooks.add(admin, url=quick.url, area=COUNTY, events=["moved"])
        world.walker(9).clue()
        deliver()
        there.hang = 3.0
        monkeypatch.setattr("app.services.webhooks.SECONDS", 0.5)
        begun = time.monotonic()
        tally = webhooks.send_due()
        assert time.monotonic() - begun < 3
        assert dict(tally) == {"failed": 10, "delivered": 10}
        assert len(quick.got) == 10
    assert webhooks.deliveries(admin, slow.id)[0][0].last_status


def test_an_address_that_became_closed_is_refused_at_sending(world: World, there: Receiver) -> None:
    admin = world.person("admin")
    world.household()
    hook, _ = webhooks.add(admin, url=there.url, area=COUNTY, events=["moved"])
    world.walker().clue()
    deliver()
    kept = runtime()
    kept.settings = replace(kept.settings, webhook_allowed=Allowed(plain_http=True))
    webhooks.send_due()
    assert there.got == []
    assert webhooks.deliveries(admin, hook.id)[0][0].last_status == "forbidden_address closed_network"
    with pytest.raises(ForbiddenAddress):
        webhooks.add(admin, url=there.url, area=COUNTY, events=["moved"])


def test_by_the_api(world: World, there: Receiver) -> None:
    world.household()
    admin = caller(world, world.person("admin"))
    for url in ("https://127.0.0.2:1/", "https://169.254.169.254/latest", "https://[::1]/", "gopher://x"):
        runtime().settings = replace(runtime().settings, webhook_allowed=Allowed())
        refused = admin.post("/webhooks", {"url": url, "area": COUNTY, "events": ["moved"]})
        assert (admin.status, refused["code"]) == (422, "forbidden_address")
    assert admin.get("/webhooks") == {"rows": [], "next": 0}
    runtime().settings = replace(runtime().settings, webhook_allowed=LOOPBACK)
    sent = {"url": there.url, "area": COUNTY, "events": ["moved"]}
    made = admin.post("/webhooks", sent, key="one")
    assert (admin.status, made["repeated"]) == (201, False)
    again = admin.post("/webhooks", sent, key="one")
    assert again == {**{k: v for k, v in made.items() if k != "secret"}, "repeated": True}
    world.walker().clue()
    deliver()
    webhooks.send_due()
    page = admin.get(f"/webhooks/{made['id']}/deliveries?state=delivered")
    assert [row["state"] for row in page["rows"]] == ["delivered", "delivered"]
    assert admin.post(f"/webhooks/{made['id']}/replay", {"since": "2020-01-01T00:00:00Z"})["queued"] == 2
    off = admin.send("PUT", f"/webhooks/{made['id']}", {"active": False})
    assert off["active"] is False
    webhooks.send_due()
    assert len(there.got) == 2
    assert caller(world, world.person("admin", FENGDU)).get(f"/webhooks/{made['id']}/deliveries")["code"] == "not_found"
    assert caller(world, world.person("county_lead")).get("/webhooks")["code"] == "not_allowed"
