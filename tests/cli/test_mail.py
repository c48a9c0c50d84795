"""Mails by the command line: test, list, retry, bounces by hand and by a delivery report."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.services import mail_addresses, mails
from app.services.letters import code_of, mark_of
from app.store.transaction import reading, writing
from app.tables import ChannelAddress, Mail, User, db
from tests.cli.conftest import Machine
from tests.scheduler.gateways import Desk
from tests.scheduler.gateways import standing as standing_in
from tests.scheduler.post_office import SENDER, Office, free_port, serving

ADDRESS = "zhao@village.example"


@pytest.fixture
def office(machine: Machine) -> Iterator[Office]:
    """A mail server that the machine knows."""
    one = Office()
    with serving(one) as mailer:
        set_server(machine, mailer.port)
        yield one


def set_server(machine: Machine, port: int) -> None:
    """Set the mail server by the environment."""
    machine.environ |= {"FANGPIN_SMTP_URL": f"smtp://127.0.0.1:{port}?tls=none", "FANGPIN_MAIL_FROM": SENDER}


def confirm(machine: Machine, username: str = "cun", address: str = ADDRESS, channel: str = "mail") -> None:
    """Give an account a confirmed address on a channel."""
    with machine.application():
        with reading():
            number = int(db.session.scalars(select(User.id).where(User.username == username)).one())
        mail_addresses.keep(number, address=address, choice="each", channel=channel)
        with reading():
            row = db.session.get_one(ChannelAddress, (number, channel))
            code = code_of(number, row.address, str(row.asked_at), channel)
        mail_addresses.confirm(number, code, channel=channel)
        with writing():
            db.session.query(Mail).delete()


def standing(machine: Machine) -> str:
    """How the address stands."""
    with machine.application():
        return mail_addresses.of_accounts(["cun"])["cun"].state


def test_off_is_said(machine: Machine) -> None:
    assert "未设置服务器" in machine.run("check").output
    machine.fails("mail", "test", "cun", reason="mail_off")
    assert "未设置服务器" in machine.run("mail", "list").output


def test_a_test_mail_says_what_the_server_answered(machine: Machine, office: Office) -> None:
    assert "未设置服务器" not in machine.run("check").output
    machine.fails("mail", "test", "cun", reason="mail_none")
    machine.fails("mail", "test", "niemand", reason="not_found")
    confirm(machine)
    assert "z***@village.example" in machine.run("mail", "test", "cun").output
    assert [str(one["Subject"]) for one in office.got] == ["测试邮件"]
    set_server(machine, free_port())
    machine.now += timedelta(minutes=1)
    assert "ConnectionRefusedError" in machine.fails("mail", "test", "cun", reason="mail_refused")
    machine.now += timedelta(minutes=1)
    assert "taken" in machine.fails("mail", "test", "cun", reason="mail_refused", lang="en")


def test_a_test_message_goes_by_the_channel_that_is_named(machine: Machine) -> None:
    desk = Desk()
    machine.fails("mail", "test", "cun", "--channel", "sms", reason="channel_off")
    with standing_in(desk, "sms") as setting:
        machine.environ |= {"FANGPIN_SMS": setting}
        machine.fails("mail", "test", "cun", "--channel", "sms", reason="channel_none")
        confirm(machine, address="13912345678", channel="sms")
        assert "sms" in machine.run("mail", "test", "cun", "--channel", "sms").output
        assert [one["to"] for one in desk.got] == ["13912345678"]
    machine.now += timedelta(minutes=1)
    machine.fails("mail", "test", "cun", "--channel", "sms", reason="channel_refused")


def test_what_waits_or_failed_is_listed_and_sent_again(machine: Machine, office: Office) -> None:
    confirm(machine)
    office.data = "554 5.6.0 not this one"
    machine.fails("mail", "test", "cun", reason="mail_refused")
    listed = machine.run("mail", "list", "--failed").output
    assert "拒收" in listed
    assert "554 5.6.0" in listed
    assert ADDRESS not in listed
    assert "1" in machine.run("mail", "retry").output
    assert "refused" not in machine.run("mail", "list", lang="en").output
    office.data = "250 OK"
    with machine.application():
        assert mails.send_due()["sent"] == 1
    assert "z***" not in machine.run("mail", "list").output


@pytest.mark.parametrize("name", ["cun", ADDRESS, ADDRESS.upper()])
def test_a_bounce_noted_by_hand(machine: Machine, office: Office, name: str) -> None:
    confirm(machine)
    machine.fails("mail", "bounce", "nobody@village.example", reason="not_found")
    assert "1" in machine.run("mail", "bounce", name).output
    assert standing(machine) == "bounced"
    machine.fails("mail", "test", "cun", reason="mail_unconfirmed")


def report(mark: str, *, action: str = "failed", status: str = "5.1.1", whole: bool = True) -> str:
    """A delivery report as mail servers write them (RFC 3464)."""
    returned = f"Message-ID: {mark}\nSubject: x\n"
    kind, body = ("message/rfc822", f"{returned}\nx\n") if whole else ("text/rfc822-headers", returned)
    parts = {
        "text/plain": "I'm sorry.\n",
        "message/delivery-status": "Reporting-MTA: dns; mx.village.example\n\n"
        f"Final-Recipient: rfc822; {ADDRESS}\nAction: {action}\nStatus: {status}\n",
        kind: body,
    }
    text = "".join(f"--B\nContent-Type: {name}\n\n{content}\n" for name, content in parts.items())
    head = 'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="B"\n'
    return f"From: MAILER-DAEMON@village.example\nSubject: Undelivered\n{head}\n{text}--B--\n"


@pytest.mark.parametrize("whole", [True, False])
def test_a_delivery_report_is_believed_only_of_a_mail_of_ours(machine: Machine, office: Office, whole: bool) -> None:
    confirm(machine)
    machine.run("mail", "test", "cun")
    mark = office.marks[0]
    for forged in ("<fangpin.1.0123456789abcdef0123@county.example>", "<x@y>", "", "<fangpin.²." + mark[-60:]):
        result = machine.run("mail", "bounced", code=1, given=report(forged, whole=whole))
        assert "[bad_value]" in result.stderr
    assert "[bad_value]" in machine.run("mail", "bounced", code=1, given="Subject: hello\n\nworld\n").stderr
    assert (
        "0" in machine.run("mail", "bounced", given=report(mark, action="delayed", status="4.4.1", whole=whole)).output
    )
    assert standing(machine) == "confirmed"
    assert "1" in machine.run("mail", "bounced", given=report(mark, whole=whole)).output
    assert standing(machine) == "bounced"
    assert "DSN 5.1.1" in machine.run("mail", "list", "--failed").output


def test_an_old_report_says_nothing_about_a_new_address(machine: Machine, office: Office) -> None:
    confirm(machine)
    machine.run("mail", "test", "cun")
    with machine.application():
        number = int(office.marks[0].split(".")[1])
        assert office.marks[0].startswith(f"<{mark_of(number)}@")
        with reading():
            user = db.session.get_one(Mail, number).user_id
        machine.now = machine.now.replace(hour=5)
    with machine.application():
        mail_addresses.keep(user, address="neu@village.example", choice="each")
        with reading():
            row = db.session.get_one(ChannelAddress, (user, "mail"))
            code = code_of(user, row.address, str(row.asked_at))
        mail_addresses.confirm(user, code)
    assert "0" in machine.run("mail", "bounced", given=report(office.marks[0])).output
    assert standing(machine) == "confirmed"
