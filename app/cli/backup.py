"""``fangpin backup``, ``restore`` and ``move``: one file that holds everything, and the way back, proven by a check."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from app import office_seal
from app.cli.check import report_all
from app.cli.console import Console, Fault, one_line, pass_console
from app.config import checked_url
from app.services import backup as service
from app.services import packs, upkeep
from app.services.archive import Manifest

PASSPHRASE_VARIABLE = "FANGPIN_BACKUP_PASSPHRASE"  # noqa: S105 - the name of a variable
file_type = click.Path(exists=True, dir_okay=False, path_type=Path)
passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help=f"含密钥口令的文件（或 {PASSPHRASE_VARIABLE}） / file with the passphrase of the keys",
)


@click.command(
    help="在线备份数据库和附件为一个文件；TARGET 为文件或文件夹 / back up database and evidence, online, into one file"
)
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--with-keys", is_flag=True, help="同时放入用口令加密的密钥 / put the keys in, encrypted by a passphrase")
@passphrase_option
@click.option("--keep", type=click.IntRange(1), help="文件夹中只保留最近几份 / leave so many backups in the folder")
@pass_console
def backup(console: Console, target: Path, with_keys: bool, passphrase_file: Path | None, keep: int | None) -> None:
    """Back up; exit with 2 when files of evidence are missing or altered, as the backup then lacks them."""
    if keep and not target.is_dir():
        raise click.UsageError("--keep: TARGET")
    settings = console.settings()
    passphrase = read_passphrase(console, passphrase_file, is_new=True) if with_keys else None
    if passphrase is not None:
        service.ensure_passphrase(passphrase)
    with console.running(settings):
        with console.progress("backup.progress", 0) as progress:
            made = service.back_up(settings, target, passphrase=passphrase, progress=progress)
        upkeep.beat(upkeep.BACKUP, {"missing": len(made.missing)})
    _tell(console, "backup.done", made.manifest, path=made.path, size=made.bytes)
    if made.manifest.policies:
        console.tell("backup.policies", count=len(made.manifest.policies))
    console.tell("backup.digest", digest=service.digest_of(made.manifest))
    console.tell("backup.keys_in" if with_keys else "backup.keys_out", path=settings.secrets_file)
    if (settings.office_seal / office_seal.ROOT).exists():
        console.tell("backup.office_seal_out", path=settings.office_seal)
    for path in service.prune(target, keep) if keep else ():
        console.tell("backup.pruned", path=path)
    for name in made.missing:
        click.echo(console.say("backup.missing", name=name), err=True)
    if made.missing:
        raise click.exceptions.Exit(2)


def _tell(console: Console, key: str, manifest: Manifest, **params: Any) -> None:
    console.tell(key, **service.total_rows(manifest), made_at=manifest.made_at, schema=manifest.schema, **params)


def read_passphrase(console: Console, file: Path | None, *, is_new: bool) -> str:
    """Take the passphrase from a file, the environment or the terminal, unseen."""
    if file:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return text.splitlines()[0] if text else ""
    if os.environ.get(PASSPHRASE_VARIABLE):
        return os.environ[PASSPHRASE_VARIABLE]
    if not sys.stdin.isatty():
        raise Fault("no_passphrase", exit_code=2, variable=PASSPHRASE_VARIABLE)
    return str(click.prompt(console.say("ask.passphrase"), hide_input=True, confirmation_prompt=is_new))


@click.command(help="把备份恢复到空的系统中，随即核验 / restore a backup into an empty installation and check it")
@click.argument("source", type=file_type)
@click.option("--secrets", type=file_type, help="另存的密钥文件 secrets.json / the keys, kept apart")
@passphrase_option
@pass_console
def restore(console: Console, source: Path, secrets: Path | None, passphrase_file: Path | None) -> None:
    """Restore, all of it or nothing, then check; exit with 2 when the check finds damage."""
    settings = console.settings()
    is_given = passphrase_file is not None or bool(os.environ.get(PASSPHRASE_VARIABLE))
    asks = not settings.secrets_file.exists() and secrets is None and (is_given or sys.stdin.isatty())
    passphrase = read_passphrase(console, passphrase_file, is_new=False) if asks else None
    manifest = service.restore(settings, source, passphrase=passphrase, secrets=secrets)
    _tell(console, "restore.done", manifest, data=settings.data, place=service.shown_url(settings.database_url))
    if manifest.policies:
        folder = packs.place_of(settings)
        console.tell("restore.policies", names="、".join(manifest.policies), path=folder)
        settings = replace(settings, policies=folder)
    with console.running(settings):
        report_all(console)
    if not (settings.office_seal / office_seal.ROOT).exists():
        console.tell("restore.no_office_seal", path=settings.office_seal)
    console.tell("restore.next")


@click.command(help="把数据库搬到另一个空库，逐行比对并核验 / move to another, empty database; proven equal")
@click.option("--to", "target", required=True, metavar="URL", help="postgresql://… / sqlite:///…")
@pass_console
def move(console: Console, target: str) -> None:
    """Copy everything into the other database and check it there; the source is left as it is."""
    settings = console.settings()
    url = checked_url(target)
    with console.running(settings):
        pass
    manifest = service.move(settings, url)
    _tell(console, "move.done", manifest, place=service.shown_url(url))
    with console.running(settings.at(url)):
        report_all(console)
    console.tell("move.next", old=one_line(service.shown_url(settings.database_url)))


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    for command in (backup, restore, move):
        group.add_command(command)
