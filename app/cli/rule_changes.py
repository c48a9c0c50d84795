"""``fangpin policy diff|rehearse|apply|revert``: what other rules change, and moving running cases to them and back."""

import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click

from app.cli.console import Console, Fault, acting, pass_console
from app.cli.policy import policy
from app.labels import Speech
from app.rule_files import laid_over
from app.runtime import all_terms
from app.services import rule_report, rule_runs, rule_words
from app.services.guide import Apart
from app.services.moving import Run
from app.store import rule_runs as store
from app.store.transaction import reading
from app.tables import KeptText
from workflows.clock import local_date
from workflows.model import Actor
from workflows.policy import Pack, parse_pack
from workflows.registry import Rules, load_rules

DIGEST = re.compile("[0-9a-f]{8,64}")
reason_option = click.option(
    "--reason", required=True, metavar="TEXT", help="理由，写入每一案的记录 / why; stands in every entry"
)
county_option = click.option("--county", metavar="CODE", help="县（6 位代码）/ county, six digits")


@policy.command("diff", help="两个规则包差在哪里，逐条说明 / what differs between two packs, rule by rule")
@click.argument("old")
@click.argument("new")
@pass_console
def diff(console: Console, old: str, new: str) -> None:
    """Compare packs: ids, digests of kept texts, or TOML files."""
    (before, _), (after, rules) = (_pack(console, name) for name in (old, new))
    today = local_date(console.clock() if console.clock else datetime.now(UTC))
    words = Apart(console.lang, today, after.area, terms=all_terms().under(after.terms))
    rows = rule_words.differences(words, before, after, rules)
    names = {"old": before.id, "new": after.id}
    if not rows:
        console.tell("policy.same", **names)
        return
    digests = {"old_digest": before.digest[:12], "new_digest": after.digest[:12],
               "old_version": before.edition, "new_version": after.edition}  # fmt: skip
    console.tell("policy.compared", count=len(rows), **names, **digests)
    for row in rows:
        click.echo(f"- {row['text']}")


def _pack(console: Console, name: str) -> tuple[Pack, Rules]:
    """Find a pack and the rules that it belongs to: a file over the installed ones, an id, or the start of a digest.

    Only a digest asks the database.
    """
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise Fault("no_rules", name=name)
        text = path.read_text(encoding="utf-8")
        with laid_over(console.settings().policies, {path.name: text}) as folders:
            rules = load_rules(*folders)
        return rules.packs[rule_words.pack_id(text)], rules
    folder = console.settings().policies
    rules = load_rules(*([folder] if folder else []))
    if name in rules.packs:
        return rules.packs[name], rules
    kept = [text for text in _kept(console, name) if text.digest.startswith(name)]
    if len(kept) != 1:
        raise Fault("no_rules", name=name)
    return parse_pack(kept[0].text), rules


def _kept(console: Console, name: str) -> list[KeptText]:
    if not DIGEST.fullmatch(name):
        return []
    with console.running(), reading():
        return store.packs()


@policy.command("rehearse", help="演练新规则会对在办案件做什么，不改动 / what other rules would do")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="按此日施行的规则 / the rules of this day")
@county_option
@acting
@pass_console
def rehearse(
    console: Console, files: tuple[Path, ...], day: datetime | None, county: str | None, username: str
) -> None:
    """Rehearse the installed rules, or files put over them."""
    with console.running():
        actor = console.actor(username)
        texts = [path.read_text(encoding="utf-8") for path in files]
        chosen = _county(actor, county)
        run = rule_runs.ask_rehearsal(actor, chosen, packs=texts, on=day.date() if day else None)
        tell_run(console, _done(console, run, "policy.rehearsing"))
        if files:
            console.tell("policy.install_first")


@policy.command("apply", help="把在办案件改用现行规则，每案一条记录 / move running cases to the rules in force")
@county_option
@reason_option
@click.option("--yes", is_flag=True, help="不再询问 / do not ask")
@acting
@pass_console
def apply(console: Console, county: str | None, reason: str, username: str, *, yes: bool) -> None:
    """Rehearse first; then, when no case would be stuck and somebody says yes, move them."""
    with console.running():
        actor = console.actor(username)
        shown = _done(console, rule_runs.ask_rehearsal(actor, _county(actor, county)), "policy.rehearsing")
        tell_run(console, shown)
        if shown.is_stuck:
            raise Fault("would_stick")
        if not shown.result["changed"]:
            console.tell("policy.nothing")
            return
        if not yes:
            click.confirm(console.say("policy.confirm", changed=shown.result["changed"]), abort=True)
        tell_run(console, _done(console, rule_runs.ask_change(actor, shown.id, reason=reason), "policy.moving"))


@policy.command("revert", help="把一次改用改回去 / take back what one `apply` did")
@click.argument("run", type=int)
@reason_option
@acting
@pass_console
def revert(console: Console, run: int, reason: str, username: str) -> None:
    """Move the cases of a change back to what they were pinned to."""
    with console.running():
        actor = console.actor(username)
        tell_run(console, _done(console, rule_runs.ask_return(actor, run, reason=reason), "policy.moving"))
        console.tell("policy.back_is_open")


def _county(actor: Actor, asked: str | None) -> str:
    """The county that was named, or the only one that the person looks after."""
    known = rule_runs.counties_of(actor)
    if asked:
        return asked
    return known[0] if known else actor.offices[0].area[:6]


def _done(console: Console, run: Run, words: str) -> Run:
    """Do a run in the foreground, so that it needs no scheduler, and say how long it took."""
    begin = time.monotonic()
    with console.progress(words, 0) as progress:
        ended = rule_runs.carry_out_now(run, progress)
    console.tell("policy.seconds", seconds=f"{time.monotonic() - begin:.1f}", run=run.id)
    return ended


def tell_run(console: Console, run: Run) -> None:
    """Print what a run found."""
    words = console.speech()
    found = rule_report.report(run, words)
    for line in found.summary:
        click.echo(line)
    for name, columns, rows in found.tables:
        click.echo("")
        click.echo(words.say(f"changes.table.{name}"))
        _rows(words, columns, rows)


def _rows(words: Speech, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    click.echo("  " + " | ".join(words.say(f"changes.column.{name}") for name in columns))
    for row in rows:
        click.echo("  " + " | ".join(row))


def register(_: click.Group) -> None:
    """The commands of this file stand in the group ``policy``."""
