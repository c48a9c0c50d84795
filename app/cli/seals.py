"""``fangpin seal``: seal what has changed, list checkpoints, give out public key and proofs."""

from pathlib import Path

import click

from app.cli.console import DAMAGED, REFUSED, Console, acting, pass_console
from app.services import anchors, seal_desk, seals
from app.services.seal_keys import log_of
from app.services.seals import Seal
from workflows.checkpoint import MalformedNote


@click.group(help="封存：把各案件现状封入县的封存树 / seal the heads of all cases into a county's tree")
def seal() -> None:
    """Hold the commands about seals."""


COUNTY = click.option("--county", "chosen", multiple=True, metavar="CODE", help="只限该县，可多次 / only this county")


@seal.command(help="立即封存有变化的案件 / seal now what has changed")
@COUNTY
@pass_console
def now(console: Console, chosen: tuple[str, ...]) -> None:
    """Seal; ends with 1 when a case is older than what was sealed of it."""
    with console.running():
        found = [seals.seal(county) for county in chosen or seals.counties()]
    if not any(one.checkpoint for one in found):
        console.tell("seal.nothing")
    for one in found:
        _tell(console, one)
    if any(one.older for one in found):
        raise click.exceptions.Exit(REFUSED)


def _tell(console: Console, one: Seal) -> None:
    if one.checkpoint:
        key = "seal.done" if one.is_new else "seal.same"
        console.tell(key, county=one.county, leaves=one.leaves, size=one.size, checkpoint=one.checkpoint)
    if not one.is_exported:
        console.tell("seal.unwritten", county=one.county)
    for case in one.older:
        console.tell("seal.older", county=one.county, case=case)


@seal.command("list", help="列出封存点 / list checkpoints")
@COUNTY
@pass_console
def list_checkpoints(console: Console, chosen: tuple[str, ...]) -> None:
    """Print the newest checkpoints of each county."""
    with console.running():
        found = [line for county in chosen or seals.counties() for line in seal_desk.lines_of(county)]
    rows = [(line.county, line.number, line.at, line.size, line.root[:16]) for line in found]
    console.table(("county", "checkpoint", "at", "leaves", "root"), rows)


@seal.command(help="输出封存公钥，每县一行 / print the public keys, one line a county")
@COUNTY
@pass_console
def key(console: Console, chosen: tuple[str, ...]) -> None:
    """Print the keys that checkpoints are verified by, in the form of C2SP signed notes."""
    with console.running():
        for county in chosen or seals.counties():
            click.echo(seals.key_of(county).text)


@seal.command(help="输出最近的封存点原文 / print the newest checkpoint")
@click.argument("county")
@pass_console
def show(console: Console, county: str) -> None:
    """Print the signed text of the newest checkpoint of a county."""
    with console.running():
        for line in seal_desk.lines_of(county)[:1]:
            click.echo(line.text, nl=False)


@seal.command(help="输出案件的存证证明（C2SP tlog-proof）/ proof that a case is in the newest checkpoint")
@click.argument("case")
@click.option("--county", default="", metavar="CODE", help="访问台账（access_ledger）所属的县 / of access_ledger")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
@pass_console
def proof(console: Console, case: str, county: str, output: Path) -> None:
    """Write the proof and print the leaf that it speaks of; 2 when it does not lead to the checkpoint's root."""
    case = case if county else case.upper()
    with console.running():
        found = seal_desk.proof_of(county or case[:6], case)
    output.write_text(found.text, encoding="utf-8")
    console.tell("seal.proof_written", path=output)
    console.tell("seal.proof_leaf", text=found.leaf.text)
    if found.later:
        console.tell("seal.proof_later", count=found.later)
    if not found.is_proven:
        raise click.exceptions.Exit(2)


@seal.command(help="将外部封存点与本库比对：0 一致，2 不一致 / hold checkpoints kept elsewhere against this database")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_console
def compare(console: Console, files: tuple[Path, ...]) -> None:
    """Compare files with a checkpoint, a step, or the state of a witness."""
    with console.running():
        wrong = sum([_compare(console, path) for path in files])
    if wrong:
        raise click.exceptions.Exit(DAMAGED)


def _compare(console: Console, path: Path) -> int:
    """Say what a file says against this database; return in how many ways."""
    try:
        notes = [note for note in anchors.read_state(path) if log_of(note.checkpoint().origin)[0]]
    except MalformedNote:
        notes = []
    forks = [anchors.against(log_of(note.checkpoint().origin)[0], note) for note in notes]
    for fork in filter(None, forks):
        console.tell("seal.disagrees", path=path, how=fork.how, found=fork.found, size=fork.size)
    if not any(forks):
        console.tell("seal.agrees" if notes else "seal.unreadable", path=path)
    return len(list(filter(None, forks))) + (not notes)


@seal.command(help="确认恢复旧备份造成的分叉，另起一期封存 / go on after a restore as another log, with the reason")
@click.argument("county")
@click.option("--reason", required=True, help="原因，记入访问台账 / why; kept in the access ledger")
@acting
@pass_console
def accept(console: Console, county: str, reason: str, username: str) -> None:
    """Accept a fork and seal at once."""
    with console.running():
        era = anchors.accept(console.actor(username), county, reason)
        done = seals.seal(county)
        key = seals.key_of(county)
    console.tell("seal.accepted", county=county, era=era)
    click.echo(key.text)
    _tell(console, done)


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(seal)
