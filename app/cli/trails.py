"""``fangpin trail`` prints a household's trail, ``fangpin verify`` checks a printed one."""

from pathlib import Path

import click

from app.cli.console import Console, acting, pass_console
from workflows.variants import FULL, VARIANTS


@click.command(help="打印农户的办理台账 PDF / print a household's trail")
@click.argument("case")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--variant", type=click.Choice(VARIANTS), default=FULL, help="隐去个人信息或公开版 / masked or public")
@acting
@pass_console
def trail(console: Console, case: str, output: Path, variant: str, username: str) -> None:
    """Print the trail; the print itself is written to the access ledger."""
    from app import printing

    with console.running():
        pdf = printing.print_trail(console.actor(username), case=case.upper(), lang=console.lang, variant=variant)
    output.write_bytes(pdf)
    console.tell("trail.written", path=output, bytes=len(pdf))


@click.command(help="核验打印的台账：0 完好，2 被改动，3 未锚定，4 不可核验 / verify a printed trail")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--database", is_flag=True, help="与本机数据库核对 / against the live database")
@click.option("--head", default="", metavar="HEX", help="与另行记下的链头核对 / against a head noted elsewhere")
@click.option(
    "--key", default="", metavar="KEY", help="用机关公钥核对页面清单 / by the public key of the office that sealed it"
)
@pass_console
def verify(console: Console, file: Path, database: bool, head: str, key: str) -> None:
    """Check a printed trail; without --database neither database nor keys are needed."""
    from app import printing

    data = file.read_bytes()
    key = Path(key).read_text("utf-8") if key and Path(key).is_file() else key
    if database:
        with console.running():
            verdict = printing.verify(data, database=True, head=head, key=key)
    else:
        verdict = printing.verify(data, database=False, head=head, key=key)
    for sentence in verdict.sentences(console.lang):
        click.echo(sentence)
    if verdict.head:
        click.echo(verdict.head)
    raise click.exceptions.Exit(verdict.code)


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(trail)
    group.add_command(verify)
