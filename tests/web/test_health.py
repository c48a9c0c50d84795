"""What watches over the installation sees: which duty fails, figures without names; and who may see them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.services import health as service
from app.services import upkeep
from app.services.deliver import deliver
from app.services.sweep import sweep
from app.store import schema
from app.tables import db
from tests.web.site import browser
from tests.world import World

NAMES = re.compile(r"张三|李四|测试|13900000000")


def run_jobs(world: World) -> None:
    """Let the scheduler's two main jobs run once, and the check."""
    upkeep.beat(upkeep.CHECK, {"damages": 0})
    upkeep.beat("sweep", sweep())
    upkeep.beat("deliver", deliver())


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
    assert failing(world) == ["sweep", "deliver", "check"]
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
