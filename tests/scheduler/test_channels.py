"""Channels beside mail, against stand-ins on this machine: codes, counts only, tokens renewed, trouble isolated."""

import re
import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.config import BadSetting, read_settings
from app.gateways import MAKERS, site_of
from app.services import mail_addresses, mails, reminders
from app.services.deliver import deliver
from app.store.outbox import add_messages
from app.store.transaction import reading, writing
from app.store.upkeep import beats
from app.tables import Mail, db
from tests.scheduler.gateways import ACCOUNT, AGENT, Desk, standing
from tests.scheduler.seen import opened
from tests.world import World
from workflows.clock import parse_utc
from workflows.errors import BadValue
from workflows.model import Actor, Message

CHANNELS = ("wecom", "dingtalk", "sms")
ADDRESSES = {"wecom": "zhao.li", "dingtalk": "manager4220", "sms": "13912345678"}
VARIABLES = {"wecom": "FANGPIN_WECOM", "dingtalk": "FANGPIN_DINGTALK", "sms": "FANGPIN_SMS"}
# Nothing of a household may leave: name, numbers of household and case, village, group.
NOTHING_OF = re.compile("张三|李四|H0000|-C1|测试|第一组|500241|13900000000")


def use(world: World, channel: str, setting: str) -> None:
    """Let a world's application send there."""
    held = world.app.extensions["fangpin"]
    site = site_of(VARIABLES[channel], setting, MAKERS[channel][1])
    held.settings = replace(held.settings, gateways={**held.settings.gateways, channel: site})


def number(actor: Actor) -> int:
    """The number of an account."""
    return int(actor.id[1:])


def confirmed(world: World, actor: Actor, desk: Desk, channel: str, choice: str = "each") -> None:
    """Set an address and confirm it by the code that came there."""
    standing_now = mail_addresses.keep(number(actor), address=ADDRESSES[channel], choice=choice, channel=channel)
    assert standing_now.state == "asked"
    mails.send_due(channel=channel)
    code = re.search("[0-9]{8}", desk.got[-1]["text"])
    assert code
    assert desk.got[-1]["to"] == ADDRESSES[channel]
    assert mail_addresses.confirm(number(actor), code[0], channel=channel).state == "confirmed"
    desk.got.clear()


def remind(world: World, case: str, count: int = 1, word: str = "waiting") -> None:
    """Leave reminders for the village and deliver them in the app."""
    params = {"state": "clue_open", "timer": "id_total", "due": "2026-03-17T16:00:00Z"}
    told = Message(case, word, roles=("village_cadre",), params=params)
    with writing() as now:
        add_messages("500241", [told] * count, f"c{world.now}{word}", now)
    deliver()


def begun(world: World) -> tuple[str, Actor]:
    """A case of which everybody has been told already, and whom it waits for."""
    case, cadre = opened(world).case.number, world.person("village_cadre")
    deliver()
    return case, cadre


def states(channel: str) -> list[tuple[str, str, int]]:
    """Kind, state and tries of what a channel was given."""
    with reading():
        rows = db.session.query(Mail).filter(Mail.channel == channel).order_by(Mail.id)
        return [(row.kind, row.state, row.tries) for row in rows]


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_carries_counts_and_no_more(world: World, channel: str) -> None:
    desk = Desk()
    case, cadre = begun(world)
    with standing(desk, channel) as setting:
        use(world, channel, setting)
        confirmed(world, cadre, desk, channel)
        remind(world, case, 2)
        mails.send_due(channel=channel)
        world.now = parse_utc("2026-03-03T00:30:00Z")
        remind(world, case, 1, "overdue")
        mails.send_due(channel=channel)
        assert len(desk.got) >= 3
        assert all("请登录系统查看" in one["text"] and one["to"] == ADDRESSES[channel] for one in desk.got)
        assert not any(NOTHING_OF.search(text) for text in desk.raw)
    rows = reminders.of_case(cadre, case)
    assert {name for one in rows if one.name == cadre.name and one.word == "overdue" for name, _ in one.by} == {channel}


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_came_at_night_is_one_message_in_the_morning(world: World, channel: str) -> None:
    desk = Desk()
    case, cadre = begun(world)
    with standing(desk, channel) as setting:
        use(world, channel, setting)
        confirmed(world, cadre, desk, channel)
        world.now = parse_utc("2026-03-06T14:00:00Z")  # a Friday, 22:00
        remind(world, case, 20)
        mails.send_due(channel=channel)
        assert desk.got == []
        world.now = parse_utc("2026-03-09T00:30:00Z")
        mails.send_due(channel=channel)
        mails.send_due(channel=channel)
    assert len(desk.got) == 1
    assert re.search("新提醒 2[01] 条", desk.got[0]["text"])


@pytest.mark.parametrize("channel", ["wecom", "dingtalk"])
def test_a_token_serves_until_it_ends_and_is_renewed_once(world: World, channel: str) -> None:
    desk = Desk()
    case, cadre = begun(world)
    with standing(desk, channel) as setting:
        use(world, channel, setting)
        confirmed(world, cadre, desk, channel)
        remind(world, case)
        mails.send_due(channel=channel)
        assert desk.tokens == 1
        desk.valid.clear()  # 42001: somebody else asked for one
        world.now += timedelta(seconds=1)
        remind(world, case)
        mails.send_due(channel=channel)
        assert (desk.tokens, len(desk.got)) == (2, 2)


@pytest.mark.parametrize(
    ("channel", "code", "state", "tries", "is_down"),
    [
        ("wecom", 45009, "waiting", 1, True),  # asked too often
        ("wecom", -1, "waiting", 1, True),
        ("wecom", 81013, "bounced", 1, False),
        ("wecom", 60020, "waiting", 0, True),  # this machine's address is not trusted there
        ("dingtalk", 90018, "waiting", 1, True),
        ("dingtalk", 33012, "bounced", 1, False),
        ("sms", 429, "waiting", 1, True),
        ("sms", 503, "waiting", 1, True),
        ("sms", 422, "bounced", 1, False),
        ("sms", 401, "waiting", 0, True),
        ("sms", 400, "failed", 1, False),
    ],
)
def test_each_answer_has_its_consequence(
    world: World, channel: str, code: int, state: str, tries: int, *, is_down: bool
) -> None:
    desk = Desk()
    case, cadre = begun(world)
    with standing(desk, channel) as setting:
        use(world, channel, setting)
        confirmed(world, cadre, desk, channel)
        desk.codes = [code]
        remind(world, case)
        mails.send_due(channel=channel)
        assert states(channel)[-1] == ("reminder", state, tries)
        with reading():
            assert (mails.failures_in(beats()[f"{channel}_server"][1]) > 0) == is_down
        found = mail_addresses.mine(number(cadre), channel)
        assert found.state == ("bounced" if state == "bounced" else "confirmed")
        if state == "waiting":
            world.now += timedelta(hours=1)
            mails.send_due(channel=channel)
            assert states(channel)[-1][:2] == ("reminder", "sent")


def test_wecom_takes_a_message_but_not_for_this_person(world: World) -> None:
    desk = Desk()
    case, cadre = begun(world)
    with standing(desk, "wecom") as setting:
        use(world, "wecom", setting)
        confirmed(world, cadre, desk, "wecom")
        desk.nobody = {ADDRESSES["wecom"]}
        remind(world, case)
        mails.send_due(channel="wecom")
    assert mail_addresses.mine(number(cadre), "wecom").state == "bounced"


def test_a_wrong_secret_loses_nothing(world: World) -> None:
    desk = Desk()
    case, cadre = begun(world)
    with standing(desk, "wecom") as setting:
        use(world, "wecom", setting)
        confirmed(world, cadre, desk, "wecom")
        use(world, "wecom", setting.replace("s3cret", "wrong"))
        remind(world, case)
        for _ in range(3):
            mails.send_due(channel="wecom")
            world.now += timedelta(minutes=20)
        assert states("wecom")[-1] == ("reminder", "waiting", 0)
        use(world, "wecom", setting)
        mails.send_due(channel="wecom")
    assert states("wecom")[-1] == ("reminder", "sent", 1)


def test_a_gateway_that_hangs_or_is_gone_delays_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.gateways.SECONDS", 1.0)
    hanging, good = Desk(), Desk()
    case, cadre = begun(world)
    with standing(hanging, "wecom") as bad, standing(good, "sms") as fine:
        use(world, "wecom", bad)
        use(world, "sms", fine)
        for channel, desk in (("wecom", hanging), ("sms", good)):
            confirmed(world, cadre, desk, channel)
        hanging.hang = threading.Event()
        remind(world, case)
        app, took = world.app, {}

        def send(channel: str) -> None:
            with app.app_context():
                began = time.monotonic()
                mails.send_due(channel=channel)
                took[channel] = time.monotonic() - began

        threads = [threading.Thread(target=send, args=(channel,)) for channel in ("wecom", "sms")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert took["sms"] < 1.0 <= took["wecom"] < 5.0
        assert (states("wecom")[-1], states("sms")[-1][:2]) == (("reminder", "waiting", 0), ("reminder", "sent"))
        assert len(good.got) == 1


def test_addresses_of_a_channel(world: World) -> None:
    """Each channel has its own form of address; a channel that is not set has none."""
    desk, cadre, admin = Desk(), world.person("village_cadre"), world.person("admin")
    with pytest.raises(BadValue):
        mail_addresses.keep(number(cadre), address="zhao", choice="each", channel="wecom")
    with standing(desk, "sms") as setting:
        use(world, "sms", setting)
        for wrong in ("1391234567", "zhao", "+8613912345678", "12912345678"):
            with pytest.raises(BadValue):
                mail_addresses.keep(number(cadre), address=wrong, choice="each", channel="sms")
        mail_addresses.assign(admin, "village_cadre-500241001201", address="13912345678", channel="sms")
        found = mail_addresses.mine(number(cadre), "sms")
        assert (found.masked, found.state) == ("139****5678", "asked")
        assert mail_addresses.mine(number(cadre)).state == "absent"
        mail_addresses.remove(number(cadre), "sms")
        assert mail_addresses.mine(number(cadre), "sms").state == "absent"


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("FANGPIN_WECOM", "ftp://a:b@host/?agentid=1", "https"),
        ("FANGPIN_WECOM", "https://host/?agentid=1", "account and secret"),
        ("FANGPIN_WECOM", "https://a:hush@host/", "agentid"),
        ("FANGPIN_WECOM", "https://a:hush@host/?agentid=x", "agentid"),
        ("FANGPIN_WECOM", "https://a:hush@host/?agentid=1&x=2", "agentid"),
        ("FANGPIN_WECOM", "http://a:hush@gateway.example/?agentid=1", "TLS"),
        ("FANGPIN_DINGTALK", "https://a:hush@host/?agentid=1", "agent_id"),
        ("FANGPIN_SMS", "https://a:hush@host/?x=1", "nothing after"),
        ("FANGPIN_SMS", "https://a:hush@host:99999/", "not an address"),
        ("FANGPIN_QUIET_HOURS", "21-8", "no time"),
        ("FANGPIN_QUIET_HOURS", "never", "21:00-08:00"),
        ("FANGPIN_MORNING", "8:30", "no time"),
        ("FANGPIN_MORNING", "07:30", "quiet hours"),
    ],
)
def test_a_wrong_setting_is_named_and_its_secret_is_not(tmp_path: Any, variable: str, value: str, why: str) -> None:
    with pytest.raises(BadSetting, match=why) as raised:
        read_settings({"FANGPIN_DATA": str(tmp_path), variable: value})
    assert str(raised.value).startswith(variable)
    assert "hush" not in str(raised.value)


def test_settings_of_all_channels(tmp_path: Any) -> None:
    given = {
        "FANGPIN_DATA": str(tmp_path),
        "FANGPIN_WECOM": f"https://{ACCOUNT}:a%2Fb@qyapi.weixin.qq.com/?agentid={AGENT}",
        "FANGPIN_SMS": "https://county:t0ken@sms.gov.example/send",
        "FANGPIN_QUIET_HOURS": "off",
    }
    found = read_settings(given)
    assert list(found.gateways) == ["wecom", "sms"]
    site = found.gateways["wecom"]
    assert (site.base, site.secret, site.agent) == ("https://qyapi.weixin.qq.com", "a/b", AGENT)
    assert found.gateways["sms"].base == "https://sms.gov.example/send"
    assert "a/b" not in repr(found)
    assert found.quiet is None
