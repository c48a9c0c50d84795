"""``fangpin trail`` prints a household's trail, ``fangpin verify`` checks a printed one."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from app import office_seal
from app.cli.console import Console, Fault, acting, pass_console
from app.config import BadSetting
from app.office_seal import NoOfficeSeal
from workflows.variants import FULL, VARIANTS


@click.command(help="打印农户的办理台账 PDF / print a household's trail")
@click.argument("case")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--variant", type=click.Choice(VARIANTS), default=FULL, help="隐去个人信息或公开版 / masked or public")
@click.option("--as-of", default="", metavar="YYYY-MM-DD", help="截至该日终了 / as it stood at the end of that day")
@acting
@pass_console
def trail(console: Console, case: str, output: Path, variant: str, as_of: str, username: str) -> None:
    """Print the trail; the print itself is written to the access ledger."""
    from app import printing

    with console.running():
        asked = {"variant": variant, "as_of": as_of}
        pdf = printing.print_trail(console.actor(username), case=case.upper(), lang=console.lang, **asked)
    output.write_bytes(pdf)
    console.tell("trail.written", path=output, bytes=len(pdf))


@click.command(help="核验打印的台账、打包文件：0 完好，2 被改动，3 未锚定，4 不可核验 / verify a trail, a bundle")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--database", is_flag=True, help="与本机数据库核对 / against the live database")
@click.option("--head", default="", metavar="HEX", help="与另行记下的链头核对 / against a head noted elsewhere")
@click.option(
    "--key", default="", metavar="KEY", help="用机关公钥核对页面清单 / by the public key of the office that sealed it"
)
@click.option(
    "--checkpoint",
    "kept",
    type=click.Path(exists=True, path_type=Path),
    help="与另存的封存点核对：文件或文件夹（*.txt） / against checkpoints kept elsewhere: a file, or a folder of them",
)
@click.option(
    "--root",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="机关电子印章的根证书，默认用本机的 / root certificate of the office's electronic seal, else this machine's",
)
@pass_console
def verify(
    console: Console, file: Path, *, database: bool, head: str, key: str, kept: Path | None, root: Path | None
) -> None:
    """Check a printed trail or a bundle; without --database neither database nor keys are needed."""
    from app import printing

    key = Path(key).read_text("utf-8") if key and Path(key).is_file() else key
    asked: dict[str, Any] = {"head": head, "key": key, "points": _points(kept), **_trusted(console, root)}
    with file.open("rb") as opened, console.running() if database else nullcontext():
        try:
            verdict = printing.verify(opened, database=database, **asked)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--checkpoint") from error
    for sentence in verdict.sentences(console.lang):
        click.echo(sentence)
    if verdict.head:
        click.echo(verdict.head)
    raise click.exceptions.Exit(verdict.code)


def _points(kept: Path | None) -> list[str]:
    """Return the texts of checkpoints kept elsewhere: a file, or all of a folder, as the export folder holds them."""
    if kept is None:
        return []
    files = sorted(kept.glob("*.txt")) if kept.is_dir() else [kept]
    return [file.read_text("utf-8", errors="replace") for file in files]


def _trusted(console: Console, root: Path | None) -> dict[str, tuple[bytes, ...]]:
    """Return what electronic seals are held against: a root given here, else this installation's own, if it has one.

    A stranger's machine has no installation; then nobody vouches for a seal, and the verdict says so.
    """
    try:
        if root:
            return {"roots": (office_seal.certificate_of(root.read_bytes()),)}
        try:
            folder = console.settings().office_seal
        except BadSetting:
            return {}
        return {"roots": office_seal.roots(folder), "lists": office_seal.lists(folder)}
    except NoOfficeSeal as error:
        raise Fault(error.code, place=error.place) from error


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(trail)
    group.add_command(verify)
