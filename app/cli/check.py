"""``fangpin check``: everything recomputed, each damage on a line of its own."""

from collections.abc import Sequence
from dataclasses import asdict

import click

from app.cli.console import DAMAGED, Console, pass_console
from app.services import check as service
from app.services import mails, upkeep

MOST_SHOWN = 1_000


@click.command(help="核验全部记录链、案件、期限、文件和访问台账 / check chains, rows, periods, files, ledger")
@click.option("--county", "chosen", multiple=True, metavar="CODE", help="只检查该县，可多次 / only this county")
@pass_console
def check(console: Console, chosen: tuple[str, ...]) -> None:
    """Check all counties, or some."""
    with console.running():
        report_all(console, chosen)


def report_all(console: Console, chosen: Sequence[str] = ()) -> None:
    """Check and print what was found; exit with DAMAGED when there is any damage. Inside the running application."""
    shown = 0

    def report(damage: service.Damage) -> None:
        nonlocal shown
        shown += 1
        if shown <= MOST_SHOWN:
            click.echo(_line(console, damage))

    counties = list(chosen) or service.counties()
    with console.progress("check.progress", service.total(counties)) as progress:
        tally = service.check(counties, report=report, progress=progress)
    if shown > MOST_SHOWN:
        console.tell("check.more")
    counted = asdict(tally)
    if not chosen:
        upkeep.beat(upkeep.CHECK, counted)
    console.tell("check.summary", lines=counted.pop("ledger_lines"), **counted)
    if not mails.is_on():
        console.tell("mail.off")
    if tally.damages:
        raise click.exceptions.Exit(DAMAGED)


def _line(console: Console, damage: service.Damage) -> str:
    entry = f" #{damage.seq}" if damage.seq else ""
    return f"{damage.place}{entry}  [{damage.code}] {console.say(f'damage.{damage.code}', detail=damage.detail)}"


def register(group: click.Group) -> None:
    """Add the command of this file."""
    group.add_command(check)
