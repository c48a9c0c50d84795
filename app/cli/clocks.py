"""``fangpin clock``: why a deadline ends when it ends, day by day; of a case, or of a question."""

from collections.abc import Iterable, Mapping

import click

from app.cli.console import Console, Fault, pass_console
from app.labels import Labels
from app.services import cases, explained, steady
from app.services.cases import CaseView
from app.services.explained import Told
from workflows.clock import utc_text
from workflows.explain_words import (
    Words,
    end_text,
    link_title,
    pause_texts,
    rule_lines,
    stretch_texts,
    what_of,
)


@click.group(help="时限：逐日说明为何到期 / deadlines, explained day by day")
def clock() -> None:
    """Hold the commands about deadlines."""


@clock.command(help="逐日说明一案的时限，或一个假设的时限 / explain a deadline of a case, or a question")
@click.argument("number", required=False, metavar="[CASE]")
@click.argument("timer", required=False)
@click.option("--as", "username", metavar="USERNAME", help="以谁的身份查看 / as whom")
@click.option("--area", metavar="CODE", help="区域代码，6、9或12位 / area of the question")
@click.option("--start", metavar="LOCAL_TIME", help="开始时间（当地）/ local time, e.g. 2026-09-25T10:00")
@click.option("--limit", metavar="DURATION", help='如 "10 working days" / e.g. "10 working days"')
@click.option("--min", "is_minimum", is_flag=True, help="最短期限 / a minimum")
@pass_console
def explain(
    console: Console, number: str | None, timer: str | None, username: str | None, area: str | None,
    start: str | None, limit: str | None, *, is_minimum: bool,
) -> None:  # fmt: skip
    """Explain the deadlines of a case, or a period that somebody asks about."""
    asked = [area, start, limit]
    if bool(number) == any(asked) or (any(asked) and not all(asked)) or (number and not username):
        raise Fault("clock_usage")
    with console.running():
        if number and username:
            view = cases.case_view(console.actor(username), case=number.upper())
            _explain_case(console, view, timer)
            return
        told = explained.explain_question(area or "", start or "", limit or "", bound="min" if is_minimum else "max")
        speech = console.speech((area or "").ljust(12, "0"))
        _print(console, told, explained.words_in(speech, told.pack), grounds={})


@clock.command(
    help="确认数据库时钟正确，恢复期限处理 / the database's clock is right: sweeps go on"
)
@pass_console
def accept(console: Console) -> None:
    """Accept the present time of the database after a jump that stopped the sweeps."""
    with console.running():
        now = steady.accept_clock()
    console.tell("clock_accepted", at=utc_text(now))


def _explain_case(console: Console, view: CaseView, timer: str | None) -> None:
    labels = Labels(console.speech(view.household.area), view.compiled)
    console.labels = labels
    for kind in [timer] if timer else list(view.case.clocks):
        told = explained.explain_case(view, kind)
        click.echo(labels.timer(kind))
        if told is None:
            click.echo(f"  {labels.speech.say('explain.unknown')}")
            continue
        _print(console, told, explained.words_of(labels), grounds=explained.grounds(view, labels, kind))


def _print(console: Console, told: Told, words: Words, *, grounds: Mapping[str, str]) -> None:
    found = told.found
    speech = console.speech()
    lines = [
        end_text(found, words), link_title(found, 0, words), *rule_lines(found, told.pack, told.on, words),
        *pause_texts(found, lambda at: grounds.get(at, ""), words),
        explained.pack_text(told, speech), explained.calendar_text(told, speech),
    ]  # fmt: skip
    for line in lines if told.is_own_calendar else [*lines, words.say("explain.other_calendar")]:
        click.echo(f"  {line}")
    number = 0
    for place, link in enumerate(found.links):
        if place:
            click.echo(f"  {link_title(found, place, words)}")
        _echo(stretch_texts(link.stretches, words))
        if link.stretches:
            continue
        for step in link.steps:
            number += step.counted
            count = str(number) if step.counted else ("→" if step.moved else "·")
            click.echo(f"  {step.date:%Y-%m-%d}  {words.say(f'explain.weekday_{step.date.isoweekday()}')}  {count:>4}"
                       f"  {what_of(step, words)}")  # fmt: skip


def _echo(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(f"  {line}")


def register(cli: click.Group) -> None:
    """Add the group."""
    cli.add_command(clock)
