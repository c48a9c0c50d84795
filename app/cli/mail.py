"""``fangpin mail``: test the mail server, look at what waits or failed, send it again, note bounces."""

from typing import Any, BinaryIO

import click

from app.cli.console import Console, Fault, pass_console
from app.gateways import MAKERS
from app.services import mail_addresses, mails
from app.smtp import SENT
from app.store.mails import MAIL

CHANNELS = (MAIL, *MAKERS)


@click.group(help="邮件：测试、列出、重发、退信 / mails")
def mail() -> None:
    """Hold the commands about mails."""


@mail.command(help="立即给该账号发一封测试邮件或测试消息 / send a test to an account now")
@click.argument("username")
@click.option("--channel", type=click.Choice(CHANNELS), default=MAIL, show_default=True)
@pass_console
def test(console: Console, username: str, channel: str) -> None:
    """Send a test and say what the server answered."""
    with console.running():
        standing = mail_addresses.of_account(username, channel)
        if not mails.is_on(channel):
            raise _fault("off", channel)
        if standing is not None and standing.state != "confirmed":
            raise _fault("unconfirmed", channel, username=username, address=standing.masked)
        if standing is None:
            raise _fault("none", channel, username=username)
        answer = mails.send_test(username, channel)
    if answer.state != SENT:
        raise _fault("refused", channel, address=standing.masked, answer=answer.text)
    console.tell("mail.tested" if channel == MAIL else "mail.channel_tested", address=standing.masked, channel=channel)


def _fault(what: str, channel: str, **said: Any) -> Fault:
    return Fault(f"mail_{what}", **said) if channel == MAIL else Fault(f"channel_{what}", channel=channel, **said)


@mail.command("list", help="列出待发和未送达的邮件 / list mails that wait or did not arrive")
@click.option("--failed", is_flag=True, help="只列未送达的 / only those that did not arrive")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@pass_console
def list_mails(console: Console, *, failed: bool, limit: int) -> None:
    """Print mails, newest first."""
    with console.running():
        if not mails.is_on():
            console.tell("mail.off")
        found = mails.lines(failed=failed, limit=limit)
    rows = [
        (
            line.id,
            line.username,
            mail_addresses.masked(line.address),
            console.say(f"mail.kind_{line.kind}"),
            console.say(f"mail.state_{line.state}"),
            line.tries,
            line.next_at,
            line.answer,
        )
        for line in found
    ]
    console.table(("id", "username", "mail", "mail_kind", "mail_state", "tries", "next_at", "answer"), rows)


@mail.command(help="待发、失败、已放弃的，从现在起重发 / send again what waits, failed or was given up")
@pass_console
def retry(console: Console) -> None:
    """Queue mails anew."""
    with console.running():
        count = mails.retry()
    console.tell("mail.queued", count=count)


@mail.command(help="登记退信：该账号或该地址停发，重新确认后恢复 / note a bounce of an account or an address")
@click.argument("name", metavar="ADDRESS-OR-ACCOUNT")
@pass_console
def bounce(console: Console, name: str) -> None:
    """Mark an address as no good."""
    with console.running():
        count = mail_addresses.bounce(name)
    console.tell("mail.bounced", count=count)


@mail.command(help="从标准输入读一封退信（RFC 3464） / read a delivery report: fangpin mail bounced < report.eml")
@click.argument("report", type=click.File("rb"), default="-")
@pass_console
def bounced(console: Console, report: BinaryIO) -> None:
    """Mark the address that a delivery report speaks of."""
    with console.running():
        count = mail_addresses.read_report(report.read())
    console.tell("mail.bounced", count=count)


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(mail)
