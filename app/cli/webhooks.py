"""``fangpin webhook``: where other systems are told of events."""

import click

from app.cli.console import Console, acting, pass_console
from app.services import webhooks
from app.services.webhooks import EVENTS


@click.group(help="推送：新增、列出、启停、重发 / webhooks")
def webhook() -> None:
    """Hold the commands about webhooks."""


@webhook.command(help="新增推送，签名密钥只显示这一次 / add a webhook; its secret is shown this once")
@click.argument("url")
@click.option("--area", required=True, metavar="CODE", help="限于此区域 / only for this area")
@click.option("--event", "events", multiple=True, type=click.Choice(EVENTS), default=EVENTS, help="事件 / events")
@acting
@pass_console
def add(console: Console, url: str, area: str, events: tuple[str, ...], username: str) -> None:
    """Add a webhook."""
    with console.running():
        hook, secret = webhooks.add(console.actor(username), url=url, area=area.ljust(12, "0"), events=events)
    console.tell("webhook.added", id=hook.id)
    click.echo(secret)


@webhook.command("list", help="列出本县的推送 / list the county's webhooks")
@acting
@pass_console
def list_hooks(console: Console, username: str) -> None:
    """Print webhooks."""
    with console.running():
        found, _ = webhooks.hooks(console.actor(username))
    rows = [
        (h.id, h.url, h.area, " ".join(h.events), console.say("yes" if h.active else "no"), h.waiting, h.dead)
        for h in found
    ]
    console.table(("id", "url", "area", "events", "active", "waiting", "dead"), rows)


@webhook.command(help="启用或停用 / switch on or off")
@click.argument("number", type=click.IntRange(1, 10**12))
@click.argument("state", type=click.Choice(["on", "off"]))
@acting
@pass_console
def switch(console: Console, number: int, state: str, username: str) -> None:
    """Switch a webhook."""
    with console.running():
        webhooks.switch(console.actor(username), number, active=state == "on")
    console.tell("webhook.switched", id=number, state=console.say(f"webhook.{state}"))


@webhook.command(help="重新推送：一条，或某时起的全部 / send again: one delivery, or all since a time")
@click.argument("number", type=click.IntRange(1, 10**12))
@click.option("--delivery", type=click.IntRange(1, 10**12), default=None, help="推送记录编号 / number of a delivery")
@click.option("--since", default="", metavar="TIME", help="2026-11-22T00:00:00Z")
@acting
@pass_console
def replay(console: Console, number: int, delivery: int | None, since: str, username: str) -> None:
    """Queue deliveries again."""
    with console.running():
        count = webhooks.replay(console.actor(username), number, delivery=delivery, since=since)
    console.tell("webhook.replayed", count=count)


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(webhook)
