"""``fangpin audit``: draw a sample that anybody can draw again, and list what deserves a look."""

import uuid
from pathlib import Path
from typing import Any

import click

from app import sampling
from app.cli.cases import data_option, key_option, tell_done
from app.cli.console import Console, acting, pass_console
from app.cli.values import read_data
from app.exception_catalogue import exception_lists
from app.exception_told import about, told
from app.labels import Labels
from app.runtime import runtime
from app.services import audit_sample, exceptions, findings, lists
from app.services.exceptions import MOST_ROWS
from app.sheets import write_rows

AREA = click.option("--area", default="", metavar="CODE", help="只限该县、乡镇或村 / only this area")
FROM = click.option("--from", "begins", default="", metavar="YYYY-MM-DD", help="自何日 / from this day")
TO = click.option("--to", "ends", default="", metavar="YYYY-MM-DD", help="至何日（含）/ to this day, inside")
OUTPUT = click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help=".csv / .xlsx")


@click.group(help="审计：可复核的抽样、异常清单 / for auditors: samples, exception lists")
def audit() -> None:
    """Hold the commands of auditors."""


@audit.command(help="随机抽样：种子相同，谁抽都一样 / a sample that anybody can draw again")
@click.option("--seed", default="", help="种子；不给则生成并显示 / the seed; made and printed when left out")
@click.option("--size", default=20, show_default=True, type=click.IntRange(1, sampling.MOST))
@click.option("--definition", default="household_case", show_default=True, help="案件种类 / kind of case")
@AREA
@click.option("--gate", default="", help="在该关口有签字的案件 / with something signed at this gate")
@FROM
@TO
@OUTPUT
@acting
@pass_console
def sample(console: Console, /, username: str, output: Path | None, seed: str, **asked: Any) -> None:
    """Draw a sample; print it, or write it as a table."""
    with console.running():
        wanted = audit_sample.Asked(seed=seed or sampling.fresh_seed(), **asked)
        found = audit_sample.draw(console.actor(username), wanted)
        speech = console.speech()
        console.tell("audit.drawn", seed=wanted.seed, population=found.population, size=len(found.rows))
        console.tell("audit.digest", digest=found.digest)
        rows = []
        for one in found.rows:
            case, house = one.line.case, one.line.house
            state = Labels(speech, runtime().rules.machine_of(case)).state(case.state)
            rows.append((one.place, case.number, house.head_name, house.village_name, state, one.rank))
        _give(console, ("place", "case", "head", "village", "standing", "rank"), rows, output, shown=5)


@audit.command("exceptions", help="异常清单；不写名称则列出各清单 / exception lists; without a name, which there are")
@click.argument("name", default="")
@AREA
@FROM
@TO
@click.option("--set", "given", multiple=True, metavar="NAME=NUMBER", help="改用的界限，可多次 / another threshold")
@OUTPUT
@acting
@pass_console
def exceptions_command(
    console: Console, /, username: str, name: str, output: Path | None, given: tuple[str, ...], **asked: str
) -> None:
    """Print a list, or write it as a table."""
    with console.running():
        actor, speech = console.actor(username), console.speech()
        if not name:
            rows: list[Any] = [(one.id, about(one, one.cut({}), speech)) for one in exception_lists().values()]
            console.table(("list", "about"), rows)
            return
        thresholds = _thresholds(name, given)
        wanted = exceptions.Asked(thresholds=thresholds, **asked)
        found = exceptions.listed(actor, name, wanted, size=MOST_ROWS)
        click.echo(about(found.list, dict(found.numbers), speech))
        rows = []
        for hit in found.found.rows:
            row = told(hit, found.list, speech)
            rows.append((hit.line.case.number, hit.seq or "", row["what"], row["why"], row["who"], row["when"]))
        _give(console, ("case", "entry", "what", "why", "by", "at"), rows, output)


@audit.command(help="提出问题，列为整改事项 / make a finding: a rectification item with its own clock")
@click.argument("household")
@click.option("--level", type=click.Choice([*findings.OPENED_BY]), default="township", show_default=True)
@data_option
@key_option
@acting
@pass_console
def find(console: Console, household: str, level: str, pairs: tuple[str, ...], key: str | None, username: str) -> None:
    """Open an item; it goes on by ``fangpin case act``."""
    with console.running():
        actor, household = console.actor(username), household.upper()
        compiled = findings.machine_for(lists.household_page(actor, household))
        console.labels = Labels(console.speech(household[:6]), compiled)
        data = read_data(pairs, compiled.fields)
        done = findings.find(actor, household=household, level=level, data=data, key=key or uuid.uuid4().hex)
        tell_done(console, actor, done)


@audit.command(help="补算旧照片的感知哈希 / compute the perceptual hashes of older photos")
@acting
@pass_console
def photos(console: Console, username: str) -> None:
    """Compute the hashes that nobody noted."""
    with console.running():
        done, failed = exceptions.complete_photos(console.actor(username))
    console.tell("audit.photos", done=done, failed=failed)


def _thresholds(name: str, given: tuple[str, ...]) -> dict[str, str]:
    known = exceptions.list_named(name).thresholds
    pairs = [text.partition("=") for text in given]
    for key, _, _ in pairs:
        if key not in known:
            raise click.BadParameter(f"{key}: {', '.join(known) or '-'}", param_hint="--set")
    return {key: value for key, _, value in pairs}


def _give(
    console: Console, columns: tuple[str, ...], rows: list[Any], output: Path | None, *, shown: int | None = None
) -> None:
    """Write a table to a file, or print its first columns."""
    if output:
        write_rows(output, [[console.say(f"column.{name}") for name in columns], *rows])
        console.tell("audit.written", path=output, rows=len(rows))
        return
    console.table(columns[:shown], [row[:shown] for row in rows])


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(audit)
