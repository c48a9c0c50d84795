"""``fangpin token``: tokens of the API, as the owner of an account or an administrator keeps them."""

import click

from app.cli.console import Console, acting, pass_console
from app.services import tokens
from app.services.tokens import LONGEST_DAYS, SCOPES


@click.group(help="接口令牌：生成、列出、撤销 / tokens of the API")
def token() -> None:
    """Hold the commands about tokens."""


@token.command(help="生成令牌，只显示这一次 / make a token; it is shown this once")
@click.option("--name", required=True, help="用途 / what it is for")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES))
@click.option("--area", required=True, metavar="CODE", help="限于此区域 / only for this area")
@click.option("--days", type=click.IntRange(1, LONGEST_DAYS), default=90, show_default=True, help="有效天数 / days")
@click.option(
    "--for", "account", default="", metavar="USERNAME", help="只查看的账号（管理员用） / an account that looks on"
)
@acting
@pass_console
def add(
    console: Console, name: str, scopes: tuple[str, ...], area: str, days: int, account: str, username: str
) -> None:
    """Make a token."""
    with console.running():
        line, secret = tokens.make(
            console.actor(username), name=name, scopes=scopes, area=area.ljust(12, "0"), days=days, username=account
        )
    console.tell("token.added", id=line.id, until=line.expires_at)
    click.echo(secret)


@token.command("list", help="列出本人的令牌 / list one's own tokens")
@click.option("--county", is_flag=True, help="全县的（管理员用） / those of the county, for its administrator")
@acting
@pass_console
def list_tokens(console: Console, *, county: bool, username: str) -> None:
    """Print tokens, newest first."""
    with console.running():
        actor = console.actor(username)
        found = tokens.of_county(actor) if county else tokens.own(actor)
    rows = [
        (t.id, t.username, t.name, " ".join(t.scopes), t.area, t.expires_at, console.say("yes" if t.is_alive else "no"))
        for t in found.lines
    ]
    console.table(("id", "username", "name", "scopes", "area", "until", "active"), rows)


@token.command(help="撤销令牌，立即失效 / revoke a token at once")
@click.argument("number", type=click.IntRange(1, 10**12))
@acting
@pass_console
def revoke(console: Console, number: int, username: str) -> None:
    """Revoke a token."""
    with console.running():
        tokens.revoke(console.actor(username), number)
    console.tell("token.revoked", id=number)


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(token)
