"""Mails on both engines: the right words to confirmed addresses, every answer of a server, nothing lost or delayed."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from app.services import mail_addresses, mails, people, reminders, upkeep
from app.services.deliver import deliver
from app.services.letters import code_of
from app.smtp import Mailer
from app.store.outbox import add_messages
from app.store.transaction import reading, writing
from app.store.upkeep import beats
from app.tables import ChannelAddress, Mail, Reminder, db
from scheduler import tick_until
from tests.scheduler.kills import ROOT
from tests.scheduler.post_office import Office, certificate, free_port, hanging, serving, use
from tests.scheduler.seen import lists, opened
from tests.world import StoredWalker, World
from workflows.clock import parse_utc, utc_text
from workflows.errors import BadValue, NotAllowed, Throttled
from workflows.model import Actor, Message

NOWHERE = Mailer("127.0.0.1", 1, "none", "fangpin@county.example")
NAMES = re.compile(r"张三|李四|测试|13900000000|疾病|患重病")


DUE = {"timer": "id_total", "due": "2026-03-17T16:00:00Z"}


def account(actor: Actor) -> int:
    """The number of an account."""
    return int(actor.id[1:])


def confirmed(actor: Actor, address: str = "zhao@village.example", choice: str = "each") -> Actor:
    """Give an account an address and confirm it, as its owner would."""
    mail_addresses.keep(account(actor), address=address, choice=choice)
    with reading():
        row = db.session.get_one(ChannelAddress, (account(actor), "mail"))
        code = code_of(row.user_id, row.address, str(row.asked_at))
    assert mail_addresses.confirm(account(actor), code).state == "confirmed"
    mails_of(actor, drop=True)
    return actor


def mails_of(actor: Actor, *, drop: bool = False) -> list[Mail]:
    """An account's mails, oldest first; with ``drop`` they are gone, and what they told of is read."""
    with writing() as now:
        rows = list(db.session.scalars(select(Mail).where(Mail.user_id == account(actor)).order_by(Mail.id)))
        db.session.expunge_all()
        if drop:
            db.session.execute(delete(Mail).where(Mail.user_id == account(actor)))
            db.session.execute(update(Reminder).where(Reminder.user_id == account(actor)).values(read_at=utc_text(now)))
    return rows


@pytest.fixture
def cadre(world: World) -> Actor:
    """The village cadre, who wants each reminder at once."""
    use(world, NOWHERE, base_url="https://site.example")
    return confirmed(world.person("village_cadre"))


@pytest.fixture(autouse=True)
def _singly(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests look at each mail; that many become one has a test of its own."""
    if "together" not in request.node.name:
        monkeypatch.setattr(mails, "MOST_SINGLE", 10**6)


def remind(world: World, count: int = 1, **params: str) -> StoredWalker:
    """Leave reminders about the first household's case and deliver them in the app; the first time also its own."""
    walker = world.walker()
    walker.refresh()
    walker = walker if walker.dossier.cases else opened(world)
    told = Message(walker.case.number, "waiting", roles=("village_cadre",), params={"state": "clue", **params})
    with writing() as now:
        add_messages("500241", [told] * count, f"x{world.now}", now)
    deliver()
    return walker


def states(actor: Actor) -> list[tuple[str, int, str]]:
    """State, tries and last answer of an account's mails."""
    return [(one.state, one.tries, one.answer) for one in mails_of(actor)]


# --- what is written ---
def test_a_reminder_becomes_a_mail_without_names(world: World, cadre: Actor) -> None:
    """Household number and what is due, a link, the headers of a machine; the owner's language."""
    office = Office()
    walker = remind(world)
    case, household = walker.case.number, walker.household.number
    count = len(lists()[account(cadre)])
    people.set_language(account(cadre), "en")
    with serving(office) as mailer:
        use(world, mailer)
        assert mails.send_due()["sent"] == count
        assert mails.send_due()["sent"] == 0
    assert office.links == 1
    message = office.got[0]
    text = message.get_content()
    assert (message["To"], message["Auto-Submitted"]) == ("zhao@village.example", "auto-generated")
    assert message["From"] == "Fangpin <fangpin@county.example>"
    assert household in message["Subject"]
    assert f"https://site.example/cases/{case}" in text
    assert message.get_content_type() == "text/plain"
    assert "Message-ID" in message
    assert "Date" in message
    for one in office.got:
        assert not NAMES.search(one.as_string() + one.get_content() + str(one["Subject"]))
    assert {state for state, *_ in states(cadre)} == {"sent"}


def test_chinese_is_the_language_of_most(world: World, cadre: Actor) -> None:
    office = Office()
    remind(world)
    with serving(office) as mailer:
        use(world, mailer)
        mails.send_due()
    assert str(office.got[0]["Subject"]).startswith("待办：500241H0000001")
    assert "登录办理：https://site.example/cases/500241H0000001-C1" in office.got[0].get_content()


def test_only_those_who_want_each_and_have_confirmed_get_one(world: World, cadre: Actor) -> None:
    """One statement in the transaction of the reminders: no address, no confirmation, none or a digest: no mail."""
    team, leader = world.person("resident_team"), world.person("township_leader")
    confirmed(team, "qian@village.example", "none")
    mail_addresses.keep(account(leader), address="sun@town.example", choice="each")
    mails_of(leader, drop=True)
    case = opened(world).case.number
    deliver()
    mails_of(cadre, drop=True)
    with writing() as now:
        roles = ("village_cadre", "resident_team", "township_leader")
        add_messages("500241", [Message(case, "waiting", roles=roles, params={"state": "clue"})], "x", now)
    deliver()
    assert [len(mails_of(who)) for who in (cadre, team, leader)] == [1, 0, 0]
    use(world, None)
    with writing() as now:
        add_messages("500241", [Message(case, "waiting", roles=("village_cadre",), params={"state": "clue"})], "y", now)
    deliver()
    assert len(mails_of(cadre)) == 1


def test_what_was_read_or_is_out_of_sight_is_not_mailed(world: World, cadre: Actor) -> None:
    office = Office()
    remind(world)
    reminders.mark_all_read(cadre, newest=10**6)
    with serving(office) as mailer:
        use(world, mailer)
        mails.send_due()
        assert {state for state, *_ in states(cadre)} == {"dropped"}
        mails_of(cadre, drop=True)
        world.now += timedelta(days=1)
        remind(world)
        people.end_office("village_cadre-500241001201", "village_cadre", "500241001201", by="u0")
        mails.send_due()
        assert {state for state, *_ in states(cadre)} == {"dropped"}
    assert office.got == []


def test_no_header_can_be_written_by_a_value(world: World, cadre: Actor) -> None:
    """Neither by an address nor by what a reminder holds."""
    for address in (
        "a@b.example\r\nBcc: x@y.example",
        "a@b.example,c@d.example",
        "<a@b.example>",
        "a b@c.example",
        "ä@b.cn",
    ):
        with pytest.raises(BadValue):
            mail_addresses.keep(account(cadre), address=address, choice="each")
    remind(world)
    mails_of(cadre, drop=True)
    world.now += timedelta(minutes=1)
    remind(world, state="clue\r\nBcc: x@y\r\n\r\nbody\u2028X-Evil: 1")
    office = Office()
    with serving(office) as mailer:
        use(world, mailer)
        mails.send_due()
        assert [state for state, *_ in states(cadre)] == ["sent"], states(cadre)
    [message] = office.got
    assert message["Bcc"] is None
    assert message["X-Evil"] is None
    assert message.get_all("To") == ["zhao@village.example"]
    assert "Bcc: x@y" in str(message["Subject"])


# --- the digest ---
@pytest.mark.parametrize(
    ("moment", "count"),
    [
        ("2026-03-04T00:29:00Z", 0),  # Wednesday 08:29 in China
        ("2026-03-04T00:30:00Z", 1),
        ("2026-03-07T01:00:00Z", 0),  # a Saturday
        ("2026-02-28T01:00:00Z", 1),  # a Saturday that is worked, after the Spring Festival
        ("2026-04-06T01:00:00Z", 0),  # a Monday, Tomb-Sweeping Festival
        ("2026-03-04T12:30:00Z", 0),  # evening
    ],
)
def test_a_digest_comes_on_working_mornings(world: World, moment: str, count: int) -> None:
    office, at = Office(), parse_utc(moment)
    world.now = at - timedelta(hours=1)
    use(world, NOWHERE, base_url="https://site.example")
    confirmed(world.person("village_cadre"), choice="digest")
    remind(world, 3)
    world.now = at
    with serving(office) as mailer:
        use(world, mailer)
        for _ in range(3):
            mails.send_due()
            world.now += timedelta(seconds=10)
    assert len(office.got) == count


def test_a_digest_tells_once_and_only_of_what_is_unread(world: World) -> None:
    office = Office()
    use(world, NOWHERE, base_url="https://site.example")
    cadre = confirmed(world.person("village_cadre"), choice="digest")
    remind(world, 45)
    all_of_them = len(lists()[account(cadre)])
    reminders.mark_read(cadre, reminder=reminders.list_reminders(cadre).items[0].id)
    with serving(office) as mailer:
        use(world, mailer)
        for day in ("2026-03-03", "2026-03-04"):
            world.now = parse_utc(f"{day}T00:30:00Z")
            mails.send_due()
        message, due = office.got
        assert due["Subject"] == "今日待办"  # the second morning: nothing new, but what is due that day
        assert message["Subject"] == f"未读提醒 {all_of_them - 1} 条"
        text = message.get_content()
        assert text.count("\n- 待办：500241H0000001") == 40
        assert f"另有 {all_of_them - 41} 条" in text
        assert "https://site.example/reminders" in text
        assert not NAMES.search(text)
        remind(world)
        world.now = parse_utc("2026-03-05T00:30:00Z")
        mails.send_due()
    assert [str(one["Subject"]) for one in office.got[2:]] == ["未读提醒 1 条"]


def test_what_an_outage_left_is_told_together_in_one_mail(world: World) -> None:
    """Twenty reminders at once are one mail to who wants each; three are three."""
    office = Office()
    use(world, NOWHERE)
    cadre = confirmed(world.person("village_cadre"))
    with serving(office) as mailer:
        use(world, mailer)
        remind(world, 20)
        mails.send_due()
        assert [str(one["Subject"]) for one in office.got] == [f"未读提醒 {len(lists()[account(cadre)])} 条"]
        world.now += timedelta(minutes=1)
        remind(world, 3)
        mails.send_due()
    assert len(office.got) == 4
    assert Counter(state for state, *_ in states(cadre)) == {"sent": 4, "dropped": 21}


@pytest.mark.parametrize("choice", ["each", "digest"])
def test_nothing_is_sent_in_quiet_hours_and_the_morning_tells_of_it(world: World, choice: str) -> None:
    """In the app a reminder is there at once; the mail of a Friday night comes on Monday."""
    office = Office()
    use(world, NOWHERE)
    cadre = confirmed(world.person("village_cadre"), choice=choice)
    with serving(office) as mailer:
        use(world, mailer)
        world.now = parse_utc("2026-03-06T13:30:00Z")  # 21:30
        remind(world)
        assert len(lists()[account(cadre)]) >= 1
        for moment in ("2026-03-06T14:00:00Z", "2026-03-07T02:00:00Z", "2026-03-08T02:00:00Z", "2026-03-09T00:29:00Z"):
            world.now = parse_utc(moment)
            mails.send_due()
        assert office.got == []
        world.now = parse_utc("2026-03-09T00:30:00Z")
        mails.send_due()
        assert len(office.got) == 1


def test_an_urgent_reminder_does_not_wait_for_the_digest(world: World) -> None:
    office = Office()
    use(world, NOWHERE)
    confirmed(world.person("village_cadre"), choice="digest")
    walker = remind(world)
    with serving(office) as mailer:
        use(world, mailer)
        upkeep_day = world.now
        with writing() as now:
            told = [Message(walker.case.number, "overdue", roles=("village_cadre",), params=DUE)]
            add_messages("500241", told, "urgent", now)
        deliver()
        mails.send_due()
        assert [str(one["Subject"])[:2] for one in office.got if "超期" in str(one["Subject"])] == ["超期"]
        world.now = upkeep_day + timedelta(days=1)
        mails.send_due()
        assert sum("超期：" in one.get_content() for one in office.got) == 0  # the digest does not tell of it again


# --- addresses ---
def test_nothing_but_a_code_goes_to_an_address_before_it_is_confirmed(world: World) -> None:
    office = Office()
    cadre = world.person("village_cadre")
    with serving(office) as mailer:
        use(world, mailer)
        assert mail_addresses.keep(account(cadre), address="zhao@village.example", choice="each").state == "asked"
        remind(world)
        mails.send_due()
        [message] = office.got
        found = re.search(r"确认码：([0-9]{8})", message.get_content())
        assert found
        with pytest.raises(NotAllowed):
            mails.send_test("village_cadre-500241001201")
        with pytest.raises(BadValue):
            mail_addresses.confirm(account(cadre), "00000000")
        standing = mail_addresses.confirm(account(cadre), found.group(1))
        assert (standing.masked, standing.state) == ("z***@village.example", "confirmed")
        with pytest.raises(BadValue):
            mail_addresses.confirm(account(cadre), found.group(1))
        assert mails.send_test("village_cadre-500241001201").state == "sent"
        assert mail_addresses.keep(account(cadre), address="neu@village.example", choice="each").state == "asked"


def test_codes_are_few_short_lived_and_cannot_be_guessed(world: World) -> None:
    use(world, NOWHERE)
    number = account(world.person("village_cadre"))
    for index in range(5):
        world.now += timedelta(minutes=1)
        mail_addresses.keep(number, address=f"a{index}@village.example", choice="each")
    with pytest.raises(Throttled):
        mail_addresses.keep(number, address="a9@village.example", choice="each")
    with reading():
        row = db.session.get_one(ChannelAddress, (number, "mail"))
        code = code_of(number, row.address, str(row.asked_at))
    for _ in range(4):
        with pytest.raises(BadValue):
            mail_addresses.confirm(number, "x")
    with pytest.raises(Throttled):
        mail_addresses.confirm(number, "x")
    with pytest.raises(Throttled):
        mail_addresses.confirm(number, code)
    world.now += timedelta(days=1, minutes=1)
    mail_addresses.keep(number, address="a9@village.example", choice="each")
    with reading():
        row = db.session.get_one(ChannelAddress, (number, "mail"))
        code = code_of(number, row.address, str(row.asked_at))
    world.now += timedelta(days=1)
    with pytest.raises(BadValue):
        mail_addresses.confirm(number, code)


# --- what a server answers ---
@pytest.mark.parametrize(
    ("answer", "data", "state", "is_down"),
    [
        ("450 4.2.1 later", "250 OK", "waiting", False),
        ("421 4.7.0 too many", "250 OK", "waiting", False),
        ("550 5.1.1 no such user", "250 OK", "bounced", False),
        ("550 unknown", "250 OK", "bounced", False),
        ("554 5.7.1 relay access denied", "250 OK", "waiting", True),
        ("250 OK", "451 4.3.0 later", "waiting", False),
        ("250 OK", "554 5.7.1 looks like spam", "failed", False),
        ("250 OK", "552 5.2.2 mailbox full", "bounced", False),
        ("250 OK", "close", "waiting", True),
    ],
)
def test_each_answer_has_its_consequence(
    world: World, cadre: Actor, answer: str, data: str, state: str, is_down: bool
) -> None:
    office = Office({"zhao@village.example": answer}, data)
    remind(world)
    mails_of(cadre, drop=True)
    world.now += timedelta(minutes=1)
    remind(world)
    with serving(office) as mailer:
        use(world, mailer)
        mails.send_due()
        [first] = [one for one in mails_of(cadre) if one.tries == 1][:1]
        assert (first.state, first.tries) == (state, 1)
        assert "zhao" not in first.answer
        assert mail_addresses.mine(account(cadre)).state == ("bounced" if state == "bounced" else "confirmed")
        with reading():
            assert (mails.failures_in(upkeep_detail()) > 0) == is_down
        if state == "waiting":
            assert parse_utc(str(first.next_at)) - world.now == timedelta(minutes=2)
            office.recipient, office.data = {}, "250 OK"
            world.now += timedelta(minutes=3)
            mails.send_due()
            assert {one for one, *_ in states(cadre)} == {"sent"}
        if state == "bounced":
            world.now += timedelta(minutes=1)
            remind(world)
            mails.send_due()
            assert len(office.got) == 0


def upkeep_detail() -> str:
    """What was noted of the server."""
    return beats().get(mails.SERVER, ("", ""))[1]


def test_waits_double_up_to_a_day_and_then_it_is_given_up(world: World, cadre: Actor) -> None:
    office = Office({"zhao@village.example": "450 4.2.1 later"})
    remind(world)
    mails_of(cadre, drop=True)
    world.now += timedelta(minutes=1)
    remind(world)
    began, waits = world.now, []
    with serving(office) as mailer:
        use(world, mailer, quiet=None)  # around the clock: in quiet hours a retry waits for the morning
        for _ in range(mails.MOST_TRIES):
            mails.send_due()
            [one] = mails_of(cadre)
            if one.next_at:
                waits.append(parse_utc(one.next_at) - world.now)
                world.now = parse_utc(one.next_at)
        assert waits == [min(timedelta(minutes=2 * 2**n), timedelta(days=1)) for n in range(11)]
        assert (one.state, one.next_at) == ("dead", None)
        assert timedelta(days=2) < world.now - began < timedelta(days=5)
        assert [line.state for line in mails.lines(failed=True)] == ["dead"]
        office.recipient = {}
        assert mails.retry() == 1
        mails.send_due()
    assert [state for state, *_ in states(cadre)] == ["sent"]


# --- a server in trouble ---
def test_a_server_that_is_gone_loses_nothing_and_is_left_alone_for_a_while(world: World, cadre: Actor) -> None:
    remind(world)
    use(world, Mailer("127.0.0.1", free_port(), "none", "fangpin@county.example"))
    assert mails.send_due()["untouched"] == 1
    assert {(state, tries) for state, tries, _ in states(cadre)} == {("waiting", 0)}
    assert mails.send_due()["untouched"] == 0
    for seconds in (31, 61, 121, 241, 481, 601, 601):
        world.now += timedelta(seconds=seconds)
        assert mails.send_due()["untouched"] == 1, seconds
    office = Office()
    with serving(office) as mailer:
        use(world, mailer)
        world.now += timedelta(seconds=601)
        mails.send_due()
    assert {state for state, *_ in states(cadre)} == {"sent"}
    with reading():
        assert mails.failures_in(upkeep_detail()) == 0


def test_tls_is_checked_and_the_log_in_counts(
    world: World, cadre: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STARTTLS and implicit TLS: not with a certificate that nobody vouches for, nor with a wrong password."""
    cert = certificate(tmp_path)
    office = Office()
    remind(world)
    for tls in ("starttls", "implicit"):
        with serving(office, tls=tls, cert=cert) as mailer:
            known = Mailer(mailer.host, mailer.port, tls, mailer.sender, "fangpin", "p@ss word")
            known = known if tls == "starttls" else mailer
            use(world, known)
            world.now += timedelta(hours=1)
            remind(world)
            monkeypatch.delenv("SSL_CERT_FILE", raising=False)
            assert mails.send_due()["untouched"] == 1
            with reading():
                assert "SSLCertVerificationError" in upkeep_detail()
            monkeypatch.setenv("SSL_CERT_FILE", str(cert[0]))
            world.now += timedelta(hours=1)
            if tls == "starttls":
                use(world, Mailer(mailer.host, mailer.port, tls, mailer.sender, "fangpin", "wrong"))
                assert mails.send_due()["untouched"] == 1
                with reading():
                    assert "SMTPAuthenticationError 535" in upkeep_detail()
                world.now += timedelta(hours=1)
                use(world, known)
            before = len(office.got)
            world.now += timedelta(minutes=1)
            remind(world)
            mails.send_due()
            assert len(office.got) > before


def test_a_hanging_server_delays_neither_reminders_nor_the_stop(world: World, cadre: Actor) -> None:
    case = remind(world).case.number
    stop = threading.Event()
    with hanging() as mailer:
        use(world, mailer)
        ticking = threading.Thread(target=tick_until, args=(world.app, stop))
        ticking.start()
        time.sleep(2)  # the link is made and nothing is said
        before = len(lists()[account(cadre)])
        with writing() as now:
            told = Message(case, "waiting", roles=("village_cadre",), params={"state": "clue"})
            add_messages("500241", [told], "while it hangs", now)
        began = time.monotonic()
        while len(lists()[account(cadre)]) == before and time.monotonic() < began + 20:
            time.sleep(0.1)
        seconds = time.monotonic() - began
        began = time.monotonic()
        stop.set()
        ticking.join(timeout=30)
        assert time.monotonic() - began < 5
    print(f"in the app after {seconds:.1f} s")
    assert seconds < 8
    assert {state for state, *_ in states(cadre)} == {"waiting"}


def test_old_mails_are_tidied_and_waiting_ones_are_not(world: World, cadre: Actor) -> None:
    remind(world)
    world.now += timedelta(days=91)
    assert mails.tidy() == {"mails": 0}
    with writing():
        for row in db.session.query(Mail):
            row.state, row.next_at = "sent", None
    assert mails.tidy()["mails"] > 0
    assert upkeep.counts()["failed_messages"] == 0


# --- killed in the middle ---
def test_a_sender_killed_before_it_noted_loses_none_and_repeats_at_most_one(world: World, cadre: Actor) -> None:
    """Each kill falls between the server's 250 and our note: one copy more at most, with the same Message-ID."""
    office, kills = Office(), 4
    remind(world, 30)
    count = len(mails_of(cadre))
    with serving(office) as mailer:
        for act in range(1, kills + 1):
            words = [world.url, str(world.folder), str(mailer.port), world.now.isoformat(), str(2 * act)]
            ended = subprocess.run([sys.executable, "-m", "tests.scheduler.mail_killed", *words], cwd=ROOT)
            assert ended.returncode == -signal.SIGKILL
            world.now += timedelta(minutes=6)
        use(world, mailer)
        mails.send_due()
    taken = Counter(office.marks)
    assert len(taken) == count
    assert sum(taken.values()) == count + kills
    assert max(taken.values()) == 2
    assert {state for state, *_ in states(cadre)} == {"sent"}
    texts = {mark: {one.get_content() for one in office.got if one["Message-ID"] == mark} for mark in taken}
    assert all(len(found) == 1 for found in texts.values())
