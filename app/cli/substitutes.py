"""``fangpin user stand-in``: who is away and who stands in."""

import click

from app.cli.console import Console, acting, pass_console
from app.services import substitutes as service
from app.services.substitutes import Asked


@click.group("stand-in", help="休假与代办：登记、结束、列出 / absences and substitutes")
def stand_in() -> None:
    """Hold the commands about absences."""


@stand_in.command(help="登记休假或代办 / record an absence, with or without a substitute")
@click.option("--office", required=True, metavar="ROLE@AREA", help="不在岗的职务 / the office")
@click.option("--from", "begins", required=True, metavar="DAY", help="起始日 / first day away, 2026-11-24")
@click.option("--to", "ends", required=True, metavar="DAY", help="到岗日（不含） / first day back")
@click.option("--reason", required=True, help="原因 / why")
@click.option(
    "--user", "absent", default="", metavar="USERNAME", help="不在岗人员，不填即本人 / who is away (default: oneself)"
)
@click.option(
    "--substitute", default="", metavar="USERNAME", help="代办人，不填即只登记休假 / who stands in (default: nobody)"
)
@click.option("--part", default="", metavar="AREA", help="只代办其中一部分 / only a part of the office's area")
@acting
@pass_console
def add(
    console: Console, office: str, begins: str, ends: str, reason: str, absent: str, substitute: str, part: str,
    username: str,
) -> None:  # fmt: skip
    """Record an absence."""
    role, _, area = office.partition("@")
    asked = Asked(role, area.ljust(12, "0"), begins, ends, reason, username=absent, substitute=substitute, part=part)
    with console.running():
        number = service.add(console.actor(username), asked)
    console.tell("user.absence_added", number=number)


@stand_in.command(help="结束休假或代办，立即生效 / end an absence now")
@click.argument("number", type=click.IntRange(1))
@acting
@pass_console
def end(console: Console, number: int, username: str) -> None:
    """End an absence."""
    with console.running():
        service.end(console.actor(username), number)
    console.tell("user.absence_ended", number=number)


@stand_in.command("list", help="列出休假与代办 / list absences")
@click.option(
    "--area", "is_area", is_flag=True, help="本人管理的全部 / all that the acting person administers or leads"
)
@acting
@pass_console
def list_absences(console: Console, is_area: bool, username: str) -> None:
    """Print absences, newest first."""
    with console.running():
        actor = console.actor(username)
        found = service.governed(actor) if is_area else service.mine(actor)
        speech = console.speech()
        rows = [
            (
                str(line.id),
                line.username,
                f"{speech.role(line.role)}@{line.part or line.area}",
                line.substitute,
                f"{line.begins}/{line.ends}",
                speech.say(f"absence.state_{line.state}"),
            )
            for line in found.lines
        ]
    console.table(("number", "username", "office", "substitute", "days", "state"), rows)
