"""``fangpin calendar``: built, shown, checked; documents proposed with a preview, put in force by a code, withdrawn."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from app.calendar_build import write_calendar
from app.cli.console import Console, Fault, acting, pass_console
from app.cli.rule_changes import tell_run
from app.labels import Speech
from app.services import calendars, rule_runs
from app.services.calendar_words import rows_said, source_lines
from app.services.calendars import Decision, Record
from workflows.calendar_file import Document
from workflows.errors import BadValue
from workflows.model import Actor

year_option = click.option("--year", type=click.IntRange(1990, 2200), help="年份 / year")
county_option = click.option("--county", metavar="CODE", default="", help="县代码 6 位 / county")
code_option = click.option(
    "--confirm", "code", metavar="CODE", default="", help="预览给出的确认码 / code of the preview"
)
file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group(help="工作日历：查看、核对、导入通知、停止办公日 / the working-day calendar")
def calendar() -> None:
    """Hold the commands about the calendar."""


@calendar.command(help="由 chinesecalendar 重建随程序提供的日历 / build the shipped calendar anew")
@pass_console
def build(console: Console) -> None:
    """Write the calendar file of the rules."""
    console.tell("calendar.changed" if write_calendar() else "calendar.same")


@calendar.command(help="一年的放假、补班、停止办公日和文件 / days off, make-up and closing days of a year; documents")
@year_option
@county_option
@pass_console
def show(console: Console, year: int | None, county: str) -> None:
    """Print the special days of a year, and where they come from."""
    with console.running():
        words, found = console.speech(), calendars.calendar_for(county)
        chosen = year or words.day.year
        count = calendars.working_days(found, chosen)
        click.echo(f"{words.say('calendar.year', year=chosen)} {words.say('calendar.working_days', count=count)}")
        click.echo(words.say("calendar.version", version=found.version, digest=found.digest[:12]))
        for line in source_lines(words, found, chosen):
            click.echo(line)
        for day in calendars.special_days(found, chosen):
            kind = words.say(f"calendar.day_kind.{day.kind}")
            click.echo(
                f"  {day.date} {words.say(f'calendar.weekday.{day.date.isoweekday()}')}  {kind}  {words.pick(day.name)}"
            )
        _list(words, calendars.records(county))


def _list(words: Speech, records: Iterable[Record]) -> None:
    for record in records:
        kind = words.say(f"calendar.document.{record.document.kind}", year=record.document.year)
        state = words.say(f"calendar.state.{record.state}")
        click.echo(f"#{record.id} [{state}] {kind}  {record.document.title} {record.document.number}")


@calendar.command(help="核对一份通知或日历文件，不改动 / check a notice or a file of ours; changes nothing")
@file_argument
@year_option
@county_option
@pass_console
def check(console: Console, file: Path, year: int | None, county: str) -> None:
    """Read a document and say whether it fits what is in force."""
    with console.running():
        document = calendars.read(_text(file), year=year or 0, file=file.name)
        words, found = console.speech(), calendars.ensure_fits(document, county)
        _tell_document(words, document)
        console.tell("calendar.fits", version=found.version)


def _tell_document(words: Speech, document: Document) -> None:
    click.echo(f"{document.title} {document.number} {document.date}")
    for name, days in rows_said(words, document):
        click.echo(f"  {name}: {days}")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadValue(field="file", value=file.name) from error


@calendar.command(
    "import", help="导入通知：先列出会变的期限，再用确认码施行 / import a notice: preview, then confirm by code"
)
@file_argument
@year_option
@code_option
@acting
@pass_console
def import_(console: Console, file: Path, year: int | None, code: str, username: str) -> None:
    """Propose a document and list what would move; with its code put it in force and count anew."""
    with console.running():
        document = calendars.read(_text(file), year=year or 0, file=file.name)
        _propose_or_confirm(console, console.actor(username), document, code)


@calendar.command(help="登记本县停止办公日：先预览，再确认 / a closing day of the county: preview, then confirm")
@click.argument("days", nargs=-1, required=True, metavar="DAY...")
@click.option("--county", metavar="CODE", default="", help="县代码，默认本人所在县 / county; by default one's own")
@click.option("--name-zh", "zh", required=True, help="名称（中文） / name in Chinese")
@click.option("--name-en", "en", required=True, help="名称（英文） / name in English")
@click.option("--title", required=True, help="文件名称 / title of the document")
@click.option("--number", required=True, help="文号 / its number")
@click.option("--date", "dated", required=True, metavar="YYYY-MM-DD", help="文件日期 / its date")
@click.option("--reason", required=True, help="理由 / why")
@code_option
@acting
@pass_console
def close(
    console: Console, days: tuple[str, ...], county: str, zh: str, en: str, title: str, number: str, dated: str,
    reason: str, code: str, username: str,
) -> None:  # fmt: skip
    """Propose closing days and list what would move; with the code put them in force."""
    with console.running():
        actor = console.actor(username)
        place = county or actor.offices[0].area[:6]
        told = {"zh": zh, "en": en, "title": title, "number": number, "dated": dated, "reason": reason}
        _propose_or_confirm(console, actor, calendars.closing(place, days, **told), code)


@calendar.command(help="撤回一份文件（编号见 show）：先预览，再确认 / withdraw a document: preview, then confirm")
@click.argument("number", type=int)
@code_option
@acting
@pass_console
def withdraw(console: Console, number: int, code: str, username: str) -> None:
    """List what would move if a document went out of force; with the code withdraw it. A proposal is just dropped."""
    with console.running():
        actor = console.actor(username)
        if not code and calendars.take_back(actor, number).state == "withdrawn":
            console.tell("calendar.dropped", number=number)
            return
        _look_or_decide(console, actor, number, code)


def _propose_or_confirm(console: Console, actor: Actor, document: Document, code: str) -> None:
    number = calendars.number_of(document) if code else 0
    if not number:
        with _saying_why(console):
            number = calendars.propose(actor, document).id
        _tell_document(console.speech(), document)
    _look_or_decide(console, actor, number, code)


def _look_or_decide(console: Console, actor: Actor, number: int, code: str) -> None:
    """Do in the foreground what the scheduler would do, so that the command line needs none."""
    with _saying_why(console):
        runs = calendars.decide(actor, number, code) if code else list(calendars.decision(actor, number).looks)
    for run in runs:
        with console.progress("calendar.counting", 0) as progress:
            ended = rule_runs.carry_out_now(run, progress)
        click.echo(rule_runs.county_names([run.county])[run.county])
        tell_run(console, ended)
    told = calendars.decision(actor, number)
    if code:
        console.tell(f"calendar.{told.record.state}", number=number)
    else:
        _tell_code(console, told)


@contextmanager
def _saying_why(console: Console) -> Iterator[None]:
    """What was asked for no longer fits: said in the words of the calendar."""
    try:
        yield
    except BadValue as refused:
        key = f"calendar.problem.{refused.params['field']}"
        if console.speech().knows(key):
            raise Fault(refused.code, text=console.speech().say(key)) from refused
        raise


def _tell_code(console: Console, told: Decision) -> None:
    if told.code:
        console.tell("calendar.confirm", code=told.code, number=told.record.id)


def register(group: click.Group) -> None:
    """Add the group of this file."""
    group.add_command(calendar)
