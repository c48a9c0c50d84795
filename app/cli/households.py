"""``fangpin import households`` and ``fangpin household``."""

from dataclasses import asdict
from pathlib import Path

import click

from app.cli.console import Console, acting, pass_console
from app.labels import state_of
from app.roster import RowError, codes
from app.roster.marked import write_marked
from app.roster.parse import find_roster, rows_expected
from app.roster_told import change_words
from app.services import lists
from app.services.export import export_households
from app.services.households import Imported, import_households
from app.sheets import write_rows
from workflows.model import Actor

SHOWN_ERRORS = 50
ERROR_COLUMNS = ("row", "column", "value", "why", "code")


@click.command("households", help="导入花名册 XLSX：全部导入或一户不导 / import a roster, all or nothing")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="只检查，不改动 / check only")
@click.option(
    "--errors", type=click.Path(dir_okay=False, path_type=Path), help="错误清单写入 .xlsx 或 .csv / write the errors"
)
@click.option("--confirm", default="", metavar="CODE", help="按确认码更改不一致之处 / change what differs, by its code")
@click.option("--only", multiple=True, metavar="NUMBER", help="只更改这些户（可多次） / change only these (repeatable)")
@click.option("--openings", is_flag=True, help="登记期初：已监测、已消除的户 / take over past status")
@acting
@pass_console
def import_roster(
    console: Console,
    file: Path,
    dry_run: bool,
    errors: Path | None,
    confirm: str,
    only: tuple[str, ...],
    openings: bool,
    username: str,
) -> None:
    """Take a roster into the households of the acting person's area."""
    if only and not confirm:
        raise click.UsageError("--only: --confirm CODE")
    if errors and errors.suffix.lower() not in (".xlsx", ".csv"):
        raise click.BadParameter(".xlsx / .csv", param_hint="--errors")
    with console.running():
        actor = console.actor(username)
        data = file.read_bytes()
        chosen = [number.upper() for number in only] or None
        with console.progress("import.progress", rows_expected(data)) as progress:
            done = import_households(
                actor, data=data, dry_run=dry_run, confirm=confirm, only=chosen, openings=openings, progress=progress
            )
        _tell(console, done)
    if done.error_count:
        _tell_errors(console, done)
        _write_errors(console, done, errors, data)
        click.echo(console.say("import.refused", count=done.error_count), err=True)
        raise click.exceptions.Exit(1)


def _tell(console: Console, done: Imported) -> None:
    if done.ignored:
        console.tell("import.ignored", columns="、".join(done.ignored))
    if done.error_count:
        return
    _tell_differences(console, done)
    if done.synthetic_count:
        console.tell("import.synthetic", count=done.synthetic_count)
    console.tell(
        "import.added" if done.is_applied else "import.dry_run",
        added=done.added,
        people=done.people,
        unchanged=done.unchanged,
        differing=done.difference_count,
    )
    if done.opened:
        console.tell("import.opened" if done.is_applied else "import.opening", count=done.opened)


def _tell_differences(console: Console, done: Imported) -> None:
    """Show what differs, and how to confirm it; after it was confirmed only how much was changed."""
    if done.changed:
        console.tell("import.changed", count=done.changed)
        return
    words = console.speech()
    rows = [
        (str(item.row), item.household, *change_words(words, asdict(change)))
        for item in done.differences[:SHOWN_ERRORS]
        for change in item.changes
    ]
    if rows:
        console.table(("row", "number", "column", "before", "after"), rows)
    if done.difference_count > SHOWN_ERRORS:
        console.tell("import.more_differences", count=done.difference_count - SHOWN_ERRORS)
    if done.confirmation:
        console.tell("import.confirm", count=done.difference_count, code=done.confirmation)


def _tell_errors(console: Console, done: Imported) -> None:
    console.table(ERROR_COLUMNS, [_error_row(console, error) for error in done.errors[:SHOWN_ERRORS]])


def _write_errors(console: Console, done: Imported, path: Path | None, data: bytes) -> None:
    """Write the errors: a list (.csv), or a workbook with the wrong rows as they came."""
    if path is None:
        if done.error_count > SHOWN_ERRORS:
            console.tell("import.more_errors", count=done.error_count - SHOWN_ERRORS)
        return
    if path.suffix.lower() == ".csv":
        heading = [console.say(f"column.{name}") for name in ERROR_COLUMNS]
        write_rows(path, [heading, *(_error_row(console, error) for error in done.errors)])
    else:
        write_marked(path, find_roster(data), done.errors, language=console.lang)
        path.chmod(0o600)
    console.tell("import.written", path=path)


def _error_row(console: Console, error: RowError) -> tuple[str, ...]:
    message = error.message_zh if console.lang == "zh" else error.message_en
    return (str(error.row) if error.row else "", error.column, error.value, message, error.code)


@click.group("export", help="导出 / export")
def exporting() -> None:
    """Hold the exports."""


@click.command("households", help="按花名册格式导出农户 / export households in the roster's layout")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--area", default="", metavar="CODE", help="区划代码，缺省为本人辖区 / an area, your own by default")
@click.option("--purpose", default="", help="用途；填写后号码不脱敏，记入查阅日志 / purpose: numbers come out whole")
@acting
@pass_console
def export_roster(console: Console, file: Path, area: str, purpose: str, username: str) -> None:
    """Write the households of an area; numbers are masked unless a purpose is given."""
    if file.suffix.lower() not in (".xlsx", ".csv"):
        raise click.BadParameter(".xlsx / .csv", param_hint="FILE")
    with console.running(), console.progress("export.progress", 0) as progress:
        lines = export_households(console.actor(username), area=area, purpose=purpose, progress=progress)
        count = write_rows(file, lines)
    file.chmod(0o600)
    console.tell("export.written" if purpose else "export.masked", count=count - 1, path=file)


@click.group("household", help="查询农户 / look up households")
def household() -> None:
    """Hold the two questions."""


@household.command("list", help="按姓名、户号或区域列出 / list by name, number or area")
@click.argument("words", default="")
@click.option("--area", default="", help="乡镇或村代码（12 位） / township or village code")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@acting
@pass_console
def list_households(console: Console, words: str, area: str, limit: int, username: str) -> None:
    """Print the households that the acting person may see."""
    with console.running():
        actor = console.actor(username)
        rows, more = _search(actor, words, area, limit)
        speech = console.speech()
        lines = [
            (h.number, h.head_name, h.member_count, speech.say(f"kind.{h.kind}"), h.village_name,
             state_of(speech, "monitor_status", state))
            for h, state in rows
        ]  # fmt: skip
    if not lines:
        console.tell("none")
        return
    console.table(("number", "head_name", "member_count", "kind", "village", "state"), lines)
    if more:
        console.tell("more")


def _search(actor: Actor, words: str, area: str, limit: int) -> tuple[list[tuple[lists.House, str]], bool]:
    """Go from page to page until there is enough; without words the area itself is gone through."""
    found: list[tuple[lists.House, str]] = []
    after = ""
    while len(found) <= limit:
        page = lists.search(actor, words=words, area=area, after=after).found
        found += page.rows
        after = page.following
        if not after:
            break
    return found[:limit], len(found) > limit or bool(after)


@household.command("show", help="一户的成员和案件 / a household with its members and cases")
@click.argument("number")
@acting
@pass_console
def show_household(console: Console, number: str, username: str) -> None:
    """Print one household; identity numbers stay masked."""
    with console.running():
        page = lists.household_page(console.actor(username), number.upper())
        speech = console.speech()
        house = page.house
        console.tell(
            "case.household",
            number=house.number,
            head=house.head_name,
            count=house.member_count,
            kind=speech.say(f"kind.{house.kind}"),
            village=house.village_name,
        )
        relations = ((codes.label(codes.RELATION, m.relation, language=console.lang), m) for m in page.members)
        people = [(m.name, relation or m.relation, m.born, m.id_masked) for relation, m in relations]
        console.table(("name", "relation", "born", "id_masked"), people)
        cases = [(c.number, state_of(speech, c.definition, c.state)) for c in page.cases]
        if cases:
            click.echo()
            console.table(("case", "state"), cases)


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(household)
    exporting.add_command(export_roster)
    group.add_command(exporting)
