"""What watches over the installation sees: which duty fails, figures without names; and who may see them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app import office_seal
from app.services import health as service
from app.services import seals, upkeep
from app.services.deliver import deliver
from app.services.sweep import sweep
from app.store import mails, schema
from app.store.transaction import writing
from app.tables import Webhook, WebhookDelivery, db
from tests.web.site import browser
from tests.world import World

NAMES = re.compile(r"张三|李四|测试|13900000000")


def run_jobs(world: World) -> None:
    """Let the scheduler's two main jobs run once, and the check."""
    upkeep.beat(upkeep.CHECK, {"damages": 0})
    upkeep.beat("sweep", sweep())
    upkeep.beat("deliver", deliver())
    upkeep.beat(upkeep.SEAL, seals.work())


def failing(world: World, path: str = "/healthz") -> list[str]:
    """The duties that fail; the status must fit them."""
    answer = world.app.test_client().get(path)
    found: dict[str, Any] = answer.get_json()
    assert answer.status_code == (503 if found["failing"] else 200)
    assert found["status"] == ("failing" if found["failing"] else "ok")
    return list(found["failing"])


def test_each_duty_is_named_when_it_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.person("admin")
    assert failing(world) == ["sweep", "deliver"]
    run_jobs(world)
    assert failing(world) == []
    world.now += timedelta(minutes=6)
    assert failing(world) == ["sweep", "deliver"]
    world.now += timedelta(hours=51)
    assert failing(world) == ["sweep", "deliver", "check", "seal"]
    run_jobs(world)
    upkeep.beat(upkeep.BACKUP, {})
    assert failing(world) == []
    upkeep.beat(upkeep.CHECK, {"cases": 3, "damages": 1})
    assert failing(world) == ["check"]
    world.now += timedelta(hours=73)
    run_jobs(world)
    assert failing(world) == ["backup"]
    monkeypatch.setattr(service, "LEAST_FREE", 1 << 60)
    assert failing(world) == ["disk", "backup"]
    assert failing(world, "/livez") == []


def test_what_is_stuck_is_named(world: World) -> None:
    world.walker().include()
    run_jobs(world)
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE deadlines SET trouble = 'KeyError' WHERE next_at IS NOT NULL"))
        connection.execute(text("UPDATE outbox SET delivered_at = NULL, created_at = '2020-01-01T00:00:00Z'"))
    assert failing(world) == ["messages", "periods"]


def test_a_schema_that_does_not_fit_and_a_database_that_is_gone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert failing(world) == failing(world, "/livez") == ["schema"]
    db.session.remove()
    with db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE alembic_version RENAME TO lost"))
        connection.execute(text("ALTER TABLE heartbeats RENAME TO lost_too"))
    monkeypatch.setattr(schema, "revision", lambda _: schema.head())
    assert failing(world) == failing(world, "/livez") == ["database"]


def test_metrics_are_for_this_machine_or_the_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = world.app.test_client()
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == 403
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 403
    token = "a-token-of-sixteen"
    held = world.app.extensions["fangpin"]
    monkeypatch.setattr(held, "settings", held.settings.__class__(**{**held.settings.__dict__, "metrics_token": token}))
    assert client.get("/metrics").status_code == 403
    sent = {"Authorization": f"Bearer {token}"}
    assert client.get("/metrics", headers=sent, environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == 200
    assert client.get("/metrics", headers={"Authorization": f"Bearer {token}x"}).status_code == 403


def test_metrics_count_requests_and_hold_no_names(world: World) -> None:
    number = world.walker().include().household.number
    run_jobs(world)
    cadre = browser(world, world.person("village_cadre"))
    cadre.get(f"/households/{number}").get("/households?q=张三")
    cadre.get("/nowhere/张三")
    found = world.app.test_client().get("/metrics").get_data(as_text=True)
    assert re.search(r'fangpin_requests_total\{endpoint="households.household",method="GET",status="200"\} \d', found)
    assert re.search(r'fangpin_requests_total\{endpoint="unknown",method="GET",status="404"\} \d', found)
    assert 'fangpin_request_seconds_bucket{endpoint="households.search"' in found
    assert 'fangpin_duty_ok{duty="sweep"} 1.0' in found
    assert 'fangpin_duty_ok{duty="check"} 1.0' in found
    assert 'fangpin_job_age_seconds{job="sweep"} 0.0' in found
    assert "fangpin_disk_free_bytes" in found
    assert not NAMES.search(found)
    assert number not in found


def hook(county: str, url: str, *, active: bool = True) -> int:
    """A webhook of a county."""
    with writing():
        row = Webhook(
            county=county, area=f"{county}000000", url=url, events="moved", secret_cipher="-", active=active,
            created_at="2026-01-01T00:00:00Z", created_by="u1",
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        return int(row.id)


def delivery(webhook: int, event: str, state: str, status: str = "503") -> None:
    """A delivery as it stands."""
    with writing():
        db.session.add(
            WebhookDelivery(
                webhook_id=webhook, event=event, body="{}", state=state, tries=14, last_status=status,
                created_at=f"2026-01-0{event}T00:00:00Z",
            )
        )  # fmt: skip


def test_what_was_given_up_is_shown_with_what_to_do(world: World) -> None:
    """Of the own county only, and of webhooks that are on; in figures for Prometheus."""
    world.household()
    admin = browser(world, world.person("admin"))
    assert "需要人来处理" not in admin.get("/health").text
    mine, off, other = (
        hook("500241", "https://data.county.example/in?key=secret"),
        hook("500241", "https://old.example/", active=False),
        hook("500230", "https://fengdu.example/"),
    )
    for number in (mine, off, other):
        delivery(number, "2", "dead", "503")
        delivery(number, "1", "dead", "ConnectionRefusedError")
        delivery(number, "3", "waiting")
        delivery(number, "4", "delivered", "200")
    for ref, state in enumerate(("dead", "bounced", "bounced", "sent")):
        letter(world, str(ref), state)
    text = admin.get("/health").text
    assert f"推送 {mine}（data.county.example）：2 条未送达，最后一次：" in text
    assert f"fangpin webhook replay {mine} --since 2026-01-01T00:00:00Z" in text
    assert "退信 2 封、多次重试后放弃 1 封" in text
    assert not {"secret", "old.example", "fengdu.example"} & set(
        re.findall(r"secret|old\.example|fengdu\.example", text)
    )
    found = world.app.test_client().get("/metrics").get_data(as_text=True)
    assert "fangpin_dead_deliveries 4.0" in found
    assert "fangpin_waiting_deliveries 2.0" in found
    assert "fangpin_stuck_mails 3.0" in found
    admin.post("/language", {"lang": "en", "back": "/health"})
    assert "2 bounced, 1 given up after many tries" in admin.text


def letter(world: World, ref: str, state: str) -> None:
    """A mail as it stands."""
    with writing() as now:
        mails.note(mails.add_one(int(world.person("admin").id[1:]), mails.TEST, ref, now), state=state, next_at=None)


def test_the_administrator_reads_it_in_words(world: World) -> None:
    world.walker().include()
    admin = browser(world, world.person("admin"))
    assert "启动 fangpin scheduler" in admin.get("/health").text
    assert "从未用 fangpin backup" in admin.text
    run_jobs(world)
    upkeep.beat(upkeep.BACKUP, {})
    assert "各项工作正常" in admin.get("/health").text
    assert "最近一次备份在 0 天前" in admin.text
    assert "运行状况" in admin.text
    assert browser(world, world.person("village_cadre")).get("/health").status == 403


def test_the_electronic_seal_is_told_of_before_it_ends(world: World) -> None:
    """Five years for seal, clock and list: nothing for a long time, then a month of warning, in words and figures."""
    admin, folder = world.person("admin"), world.folder / office_seal.FOLDER
    run_jobs(world)
    assert failing(world) == []
    metrics = world.app.test_client().get("/metrics").text
    assert "fangpin_office_seal_seconds" not in metrics, "an office without a seal"
    office_seal.make(folder, "测试县", algorithm="p256", now=world.now)
    assert failing(world) == []
    end = office_seal.ends(folder)
    assert end is not None
    world.now = end - timedelta(days=31)
    assert "office_seal" not in failing(world)
    world.now = end - timedelta(days=29)
    assert "office_seal" in failing(world)
    assert "office_seal" not in failing(world, "/livez")
    left = re.search(r"^fangpin_office_seal_seconds ([0-9.e+]+)$", world.app.test_client().get("/metrics").text, re.M)
    assert left
    assert float(left[1]) == timedelta(days=29).total_seconds()
    one = browser(world, admin)
    assert "fangpin office-seal renew" in one.get("/health").text
    office_seal.renew(folder, now=world.now, revoke=False)
    assert "office_seal" not in failing(world)
    (folder / office_seal.LIST).write_bytes(b"damaged")
    assert "office_seal" in failing(world)
