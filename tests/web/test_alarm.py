"""When no scheduler ticks, somebody is told within two minutes, by the web alone; once, and when it is over."""

import json
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from app.services import alarm as service
from app.services import upkeep
from app.services.alarm import LOOK_EVERY, Watcher, standing, start_watching
from app.services.deliver import deliver
from app.services.reminders import list_reminders
from app.services.sweep import sweep
from tests.scheduler.post_office import Office, serving, use
from tests.web.site import browser
from tests.world import World


def jobs_run(world: World) -> None:
    """The scheduler is alive."""
    upkeep.beat(upkeep.CHECK, {"damages": 0})
    upkeep.beat("sweep", sweep())
    upkeep.beat("deliver", deliver())


def looks_until_told(world: World, watcher: Watcher) -> tuple[tuple[str, ...], timedelta]:
    """Look as the thread does, until something is told; return what, and after how long."""
    begun = world.now
    while world.now - begun < timedelta(minutes=10):
        world.now += timedelta(seconds=LOOK_EVERY)
        told = watcher.look()
        if told:
            return told, world.now - begun
    raise AssertionError("nobody was told")


def told_to(world: World) -> list[tuple[str, list[str]]]:
    items = list_reminders(world.person("admin")).items
    return [(item.word, item.params["failing"]) for item in items]


def test_a_dead_scheduler_is_told_of_within_two_minutes(world: World) -> None:
    admin, office = world.person("admin"), Office()
    jobs_run(world)
    upkeep.beat("mail", {})
    with serving(office) as mailer:
        use(world, mailer, alarm_mail=("duty@county.example",))
        watcher = Watcher()
        told, after = looks_until_told(world, watcher)
        assert (told, after <= timedelta(minutes=2)) == (("sweep", "deliver"), True)
        for _ in range(8):
            world.now += timedelta(seconds=LOOK_EVERY)
            assert watcher.look() == ()  # once
    assert told_to(world) == [("alarm", ["sweep", "deliver"])]
    assert [message["To"] for message in office.got] == ["duty@county.example"]
    text = office.got[0].get_content()
    assert "fangpin scheduler" in text
    assert "Not done" in text
    assert standing() == ("sweep", "deliver")
    page = browser(world, admin).get("/health")
    assert "系统告警" in page.text


def test_the_alarm_ends_with_the_trouble_and_comes_again(world: World) -> None:
    world.person("admin")
    watcher = Watcher()
    jobs_run(world)
    looks_until_told(world, watcher)
    jobs_run(world)
    assert watcher.look() == ()
    assert standing() == ()
    looks_until_told(world, watcher)
    assert len(told_to(world)) == 2


def test_what_goes_on_failing_is_told_again_each_half_day(world: World) -> None:
    world.person("admin")
    watcher = Watcher()
    looks_until_told(world, watcher)
    world.now += timedelta(hours=12, minutes=1)
    assert watcher.look() == ("sweep", "deliver")
    assert len(told_to(world)) == 2


def test_two_web_machines_tell_once(world: World) -> None:
    world.person("admin")
    watchers = [Watcher(), Watcher()]
    looks_until_told(world, watchers[0])
    assert [watchers[1].look() for _ in range(3)] == [(), (), ()]
    assert len(told_to(world)) == 1


def test_a_mail_server_that_is_away_loses_nothing_else(world: World) -> None:
    """The list of the administrator is told all the same."""
    with serving(Office()) as mailer:
        use(world, replace(mailer, port=1), alarm_mail=("duty@county.example",))
    world.person("admin")
    looks_until_told(world, Watcher())
    assert len(told_to(world)) == 1


def test_the_web_watches_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread beside the web: it looks, tells, and ends at the word."""
    world.person("admin")
    monkeypatch.setattr(service, "LOOK_EVERY", 0.02)
    stop = start_watching(world.app)
    limit = time.monotonic() + 20
    while not standing() and time.monotonic() < limit:
        time.sleep(0.05)
    stop.set()
    assert standing() == ("sweep", "deliver")
    assert json.dumps(told_to(world)).count("alarm") == 1
