"""``fangpin bundle``: many trails as one PDF with index, or as a zip that can be checked elsewhere."""

from pathlib import Path

import click

from app.cli.console import REFUSED, Console, Fault, acting, pass_console
from workflows.variants import FULL, VARIANTS


@click.command(help="成批打印台账：一份 PDF 或一个可核验的压缩包 / many trails as one PDF or a zip")
@click.option("--area", default="", metavar="CODE", help="区域代码（12位，或县6位）/ households of an area")
@click.option("--gate", default="", metavar="GATE", help="只收入在该环节办过事的 / of which a gate was passed")
@click.option("--from", "since", default="", metavar="DAY", help="自某日 / from a day")
@click.option("--to", "until", default="", metavar="DAY", help="至某日 / to a day")
@click.option(
    "--cases",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="案件编号文件，每行一个 / case numbers",
)
@click.option("--kind", type=click.Choice(["pdf", "zip"]), default="pdf", show_default=True)
@click.option("--variant", type=click.Choice(VARIANTS), default=FULL, help="隐去个人信息或公开版 / masked or public")
@click.option("--out", "-o", required=True, type=click.Path(dir_okay=False, path_type=Path))
@acting
@pass_console
def bundle(
    console: Console,
    area: str,
    gate: str,
    since: str,
    until: str,
    cases: Path | None,
    kind: str,
    variant: str,
    out: Path,
    username: str,
) -> None:
    """Make a bundle; the same command again goes on where a killed one was. Exit 1 when a trail is missing."""
    from app import bundling
    from app.services import bundles
    from app.services.isolated import held

    numbers = tuple(cases.read_text("utf-8").upper().split()) if cases else ()
    wish = bundles.Wish(area.ljust(12, "0") if area else "", gate, since, until, numbers, kind, console.lang, variant)
    with console.running():
        actor = console.actor(username)
        begun = bundles.open_job(actor, wish)
        job = begun or bundles.submit(actor, wish, by_command=True)
        if begun:
            console.tell("bundle.goes_on", done=begun.done, total=begun.total)
        part = out.with_name(f"{out.name}.part")
        with held(bundles.BUNDLES.path(job.token, bundles.LOCK)) as is_mine:
            if not is_mine:
                raise Fault("bundle_busy")
            with console.progress("bundle.progress", job.total) as progress, part.open("w+b") as file:
                part.chmod(0o600)
                job = bundling.make(actor, job, out=file, progress=progress)
        part.replace(out)
        bundles.remove(job.token)
    console.tell(
        "bundle.written",
        path=out,
        trails=job.total - job.failed,
        rendered=job.rendered,
        bytes=job.size,
        pages=job.pages,
    )
    if job.failed:
        console.tell("bundle.missing", count=job.failed)
        raise click.exceptions.Exit(REFUSED)


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(bundle)
