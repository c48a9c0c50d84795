"""``fangpin policy simulate``: what a year would bring under another line, limit, visit frequency or staffing."""

import time
from collections.abc import Iterable
from pathlib import Path

import click

from app.cli.console import Console, Fault, acting, pass_console
from app.cli.policy import policy
from app.labels import Speech
from app.services import rule_runs
from app.services.moving import Run
from app.services.simulation import figures, form
from app.services.simulation.wishes import ACTS, LIMIT, LINE, NUMBERS, STAFF, VISITS
from workflows.model import Actor

PAIR = "NAME=VALUE"


@policy.command(
    "simulate", help="推演：调整范围线、时限、频次、人手会怎样；不是决定，不改动任何案件 / what if; no decision"
)
@click.option("--county", metavar="CODE", help="县（6 位代码）/ county, six digits")
@click.option("--income-line", "line", default="", metavar="YUAN|±%", help="范围线：8000 或 +5% / income line")
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar=PAIR,
    help="household_case.verify=3 working_days；assist.visit_open=2 month",
)
@click.option(
    "--staff", multiple=True, metavar=PAIR, help="township_officer=4 或 township_officer@500241103=6 / people"
)
@click.option("--acts", multiple=True, metavar=PAIR, help="每人每工作日办理件数 / acts of a person a working day")
@click.option("--visits", multiple=True, metavar=PAIR, help="每人每工作日走访户数 / visits of a person a working day")
@click.option("--apply", default="", metavar="%", help="一年中新申报农户 / households that newly apply")
@click.option("--uptake", default="", metavar="%", help="新进入范围农户申报 / of those newly inside, how many apply")
@click.option("--leave", default="", metavar="%", help="提出风险消除的监测户 / proposed for elimination")
@click.option("--refused", default="", metavar="%", help="评议不通过 / not passed at the review")
@click.option("--returned", default="", metavar="%", help="审核退回 / returned at the audit")
@click.option("--months", default="", metavar="N", help="推演几个月 / how many months")
@click.option("--seed", default="", metavar="N", help="随机种子 / seed")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="写出数据：.csv 或 .json / write the figures"
)
@acting
@pass_console
def simulate(
    console: Console,
    /,
    county: str | None,
    username: str,
    limits: tuple[str, ...],
    staff: tuple[str, ...],
    acts: tuple[str, ...],
    visits: tuple[str, ...],
    out: Path | None,
    **plain: str,
) -> None:
    """Simulate in the foreground, so that it needs no scheduler; the run is kept with its inputs and seed."""
    with console.running():
        actor = console.actor(username)
        texts = {LINE: plain["line"], **{name: plain[name] for name in NUMBERS}}
        for part, pairs in ((LIMIT, limits), (STAFF, staff), (ACTS, acts), (VISITS, visits)):
            texts |= {f"{part}.{name.strip()}": value for name, _, value in (pair.partition("=") for pair in pairs)}
        _simulate(console, actor, county or _county(actor), texts, out)


def _county(actor: Actor) -> str:
    known = rule_runs.counties_of(actor)
    return known[0] if known else actor.offices[0].area[:6]


def _simulate(console: Console, actor: Actor, county: str, texts: dict[str, str], out: Path | None) -> None:
    words = console.speech()
    rule_runs.ensure_office(actor, county, rule_runs.LOOKERS)
    _, wrong = rule_runs.judge_simulation(county, texts)
    if wrong:
        said = (
            words.say("simulate.wrong_value", field=k, value=v, why=form.problem(words, k)) for k, v in wrong.items()
        )
        raise Fault("bad_value", text=" ".join(said))
    begin = time.monotonic()
    run = rule_runs.ask_simulation(actor, county, texts)
    ended = rule_runs.carry_out_now(run, lambda _: None)
    console.tell("policy.seconds", seconds=f"{time.monotonic() - begin:.1f}", run=run.id)
    told = figures.Teller(words, ended.inputs, ended.result).told()
    click.echo(words.say("simulate.no_decision"))
    for line in told.summary:
        click.echo(line)
    for part in told.parts:
        click.echo("")
        click.echo(words.say(f"simulate.part.{part.id}"))
        _rows(part.columns, part.rows)
    if out:
        out.write_bytes(_file(words, out, run.id, ended, told))


def _file(words: Speech, out: Path, number: int, run: Run, told: figures.Told) -> bytes:
    if out.suffix == ".json":
        return figures.as_json(words, number, run.inputs, run.result)
    return figures.as_csv(words, told)


def _rows(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    click.echo("  " + " | ".join(columns))
    for row in rows:
        click.echo("  " + " | ".join(row))


def register(_: click.Group) -> None:
    """The command of this file stands in the group ``policy``."""
