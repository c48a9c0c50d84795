"""``fangpin paper``: which papers there are, printing them, checking a county's own templates."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click

from app.cli.console import DAMAGED, REFUSED, Console, Fault, acting, pass_console
from app.services.papers import Made, Option
from workflows.errors import PaperNotReady, Refused
from workflows.model import Actor

PORTION = 200  # papers in a file: as many as are in memory, and as a printer takes well


@click.group(help="文书：列出、打印、检查模板 / papers of the process")
def paper() -> None:
    """Papers."""


@paper.command(
    "list", help="列出文书；给出案件编号时说明现在能打印什么 / which papers there are, or what a case can print"
)
@click.argument("case", required=False)
@acting
@pass_console
def list_papers(console: Console, case: str | None, username: str) -> None:
    """Show the papers that a person may print, or those of a case."""
    from app.services import cases, papers

    with console.running():
        actor, words = console.actor(username), console.speech()
        if case:
            options = papers.options_of(actor, cases.case_view(actor, case=case.upper()))
            rows = [(o.paper.id, words.say(f"paper.{o.paper.id}"), standing(o)) for o in options]
        else:
            rows = [(p.id, words.say(f"paper.{p.id}"), p.of) for p in papers.printable(actor)]
        console.table(("paper", "title", "ready" if case else "of"), rows)


def standing(one: Option) -> str:
    """Return a tick, or the actions of which one must come first; a dash for a paper that others print."""
    return ", ".join(one.after) or ("✓" if one.is_mine else "–")


@paper.command("print", help="打印文书 PDF / print papers")
@click.argument("name")
@click.argument("subjects", nargs=-1)
@click.option("--blank", is_flag=True, help="空白表 / to be filled in by hand")
@click.option("--purpose", default="", metavar="include|eliminate", help="只列这一事项 / only this purpose")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
@acting
@pass_console
def print_paper(
    console: Console, name: str, subjects: tuple[str, ...], blank: bool, purpose: str, output: Path, username: str
) -> None:
    """Print a paper for cases or areas (a bookmark each), or a blank one; of very many so many files, -001, -002."""
    with console.running():
        actor = console.actor(username)
        wanted = [one for subject in subjects for one in _wanted(actor, name, subject)] or [Wanted("")]
        portions = [wanted[start : start + PORTION] for start in range(0, len(wanted), PORTION)]
        left: list[tuple[str, str]] = []
        with console.progress("paper.progress", len(wanted)) as progress:
            for number, portion in enumerate(portions, start=1):
                made = []
                for each in portion:
                    one = _made(actor, name, each, blank, purpose)
                    if isinstance(one, Refused):
                        left.append((each.subject, one.code))
                    else:
                        made.append(one)
                progress(len(portion))
                path = output if len(portions) == 1 else output.with_stem(f"{output.stem}-{number:03}")
                _write(console, actor, made, path)
    if left:
        console.tell("paper.left", count=len(left))
        others = [row for row in left if row[1] != PaperNotReady.code]
        if others:
            console.table(("case", "reason"), others)
            raise click.exceptions.Exit(REFUSED)


class Wanted(NamedTuple):
    """A paper to be made: of a case or an area (empty: a blank one). What an area brought is left out if not ready."""

    subject: str
    is_of_area: bool = False


def _wanted(actor: Actor, name: str, subject: str) -> list[Wanted]:
    """Of an area every case of which there is such a paper, where the paper is not the area's own."""
    from app.services import papers

    if "-" in subject or not papers.is_of_case(name):
        return [Wanted(subject)]
    area = subject.ljust(12, "0")
    return [Wanted(case, is_of_area=True) for case in papers.cases_of_area(actor, paper=name, area=area)]


def _made(actor: Actor, name: str, one: Wanted, blank: bool, purpose: str) -> Made | Refused:
    from app.services import papers, refusals

    try:
        if "-" in one.subject:
            return papers.of_case(actor, case=one.subject.upper(), paper=name, blank=blank)
    except Refused as refused:
        if not one.is_of_area:
            raise
        if refusals.is_alarm(refused):
            refusals.note_broken(actor.id, one.subject, "cli")
        return refused
    if one.subject:
        return papers.of_area(actor, paper=name, area=one.subject, purpose=purpose)
    return papers.blank_of(actor, paper=name)


def _write(console: Console, actor: Actor, made: Sequence[Made], path: Path) -> None:
    from app import printing

    if made:
        pdf = printing.print_papers(actor, made)
        path.write_bytes(pdf)
        console.tell("paper.written", path=path, bytes=len(pdf), count=len(made))


@paper.command("file", help="打印一户一档 PDF / print the whole file of a household")
@click.argument("household")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
@acting
@pass_console
def print_file(console: Console, household: str, output: Path, username: str) -> None:
    """Print cover, catalogue, all papers and photos of a household as one PDF."""
    from app import printing
    from app.services import papers

    with console.running():
        actor = console.actor(username)
        archive = papers.archive_of(actor, household=household.upper())
        pdf = printing.print_archive(actor, archive)
    output.write_bytes(pdf)
    console.tell("paper.written", path=output, bytes=len(pdf), count=len(archive.parts) + 1)


@paper.command(help="检查本县模板 / check a county's own templates")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@pass_console
def check(console: Console, folder: Path | None) -> None:
    """Try every template with samples; needs neither database nor keys. Exit 2 names all that is wrong."""
    from app.printing import faults_of_papers

    faults = list(dict.fromkeys(faults_of_papers(folder or console.settings().papers)))
    for fault in faults:
        click.echo(fault)
    if faults:
        raise Fault("bad_papers", exit_code=DAMAGED, count=len(faults))
    console.tell("paper.sound")


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(paper)
