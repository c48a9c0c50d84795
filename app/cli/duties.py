"""``fangpin duty``: the ledger of duties, reports, warnings that were received."""

import uuid
from datetime import UTC, date, datetime
from pathlib import Path

import click

from app.cli.console import Console, acting, pass_console
from app.services import duty_desk, duty_reports, evidence
from app.services.duty_desk import Line
from app.services.duty_reports import Report
from app.store.duty_lists import STATES, Wanted
from workflows.clock import local_date

DAY = click.DateTime(["%Y-%m-%d"])
on_option = click.option("--on", "on", type=DAY, default=None, metavar="DAY", help="日期，默认今天 / the day, today")
note_option = click.option("--note", default="", help="情况说明 / note")
key_option = click.option("--key", default=None, help="幂等标识：重复提交同一标识只办一次 / idempotency key")


@click.group(help="职责台账：列出、登记 / the ledger of duties")
def duty() -> None:
    """Hold the commands about duties."""


@duty.command("list", help="列出职责 / list duties")
@click.option("--state", type=click.Choice(STATES), default=None, help="状态 / state")
@click.option("--area", default="", help="区划代码（12 位）/ area")
@click.option("--duty", "name", default="", help="某项职责 / one duty")
@click.option("--all", "everything", is_flag=True, help="本辖区全部，不只是本人的 / all of the area")
@acting
@pass_console
def list_duties(console: Console, state: str | None, area: str, name: str, username: str, *, everything: bool) -> None:
    """Print the first page of duties, what is due first."""
    with console.running():
        actor = console.actor(username)
        wanted = Wanted(state or "", area, name, mine=not everything)
        found = duty_desk.ledger(actor, wanted)
        words = console.speech()
        rows = [
            (line.key, words.pick(line.label), line.name, words.last_day(line.due_at),
             words.say(f"duty.state_{line.status}"), f"{line.done}/{line.needed}")
            for line in found.found.rows
        ]  # fmt: skip
    console.table(("period", "duty", "subject", "last_day", "state", "progress"), rows)
    console.tell("duty.counts", open=found.counts["open"], missed=found.counts["missed"])
    for one in found.coverage:
        label = one.label[console.lang]
        console.tell("duty.coverage", duty=label, done=one.done, subjects=one.subjects)


@duty.command(help="登记完成情况，PERIOD 见 duty list / report a period done")
@click.argument("period")
@click.option("--county", default="", help="县（6 位），默认本人任职的县 / county")
@on_option
@click.option("--mode", default="", help="方式 home、phone、wechat / way")
@click.option("--days", "amount", type=int, default=1, help="工作天数 / days of work")
@click.option("--nil", is_flag=True, help="零报告 / nothing was found")
@note_option
@click.option("--file", "files", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@key_option
@acting
@pass_console
def report(
    console: Console, period: str, county: str, on: datetime | None, mode: str, amount: int, note: str,
    files: tuple[Path, ...], key: str | None, username: str, *, nil: bool,
) -> None:  # fmt: skip
    """Report a period done."""
    with console.running():
        actor = console.actor(username)
        county = county or console.area[:6]
        line, _ = duty_desk.one(actor, county, period)
        handed = [evidence.take_in(actor, county=county, kind="duty_report", data=path.read_bytes()) for path in files]
        said = Report(
            line.duty, line.begins, (line.subject,), _day(console, on), mode, amount, nil, note, tuple(handed)
        )
        taken = duty_reports.report(actor, county, said, key=key or uuid.uuid4().hex)
    _tell(console, line, taken)


def _tell(console: Console, line: Line, taken: duty_reports.Taken) -> None:
    console.tell("duty.repeated" if taken.repeated else "duty.done", duty=line.label[console.lang], seq=taken.seq)


@duty.command(help="登记收到的预警 / register a warning received")
@click.argument("area")
@on_option
@note_option
@key_option
@acting
@pass_console
def warn(console: Console, area: str, on: datetime | None, note: str, key: str | None, username: str) -> None:
    """Note that a warning was received for a township or village."""
    with console.running():
        actor = console.actor(username)
        taken = duty_reports.register_warning(actor, area, _day(console, on), note=note, key=key or uuid.uuid4().hex)
    console.tell("duty.warned", count=taken.count, seq=taken.seq)


def _day(console: Console, on: datetime | None) -> date:
    return on.date() if on else local_date(console.clock() if console.clock else datetime.now(UTC))


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(duty)
