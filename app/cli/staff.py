"""``fangpin user import`` and ``export``: staff by sheet."""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from app.cli.console import Console, Fault, acting, pass_console
from app.labels import Speech
from app.roster.marked import write_marked
from app.services.staff import FirstPassword, Imported, export_staff, import_staff
from app.services.staff_sheet import book_of, find_staff
from app.staff_told import change_words, names_in, password_book

SHOWN = 50
file_type = click.Path(dir_okay=False, path_type=Path)


@click.command("import", help="按人员表开设账号、任免职务：有错则一行不办 / staff from a sheet, all or nothing")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="只检查，不改动 / check only")
@click.option("--errors", type=file_type, help="出错的行写入 .xlsx / write the wrong rows")
@click.option("--confirm", default="", metavar="CODE", help="按确认码更改不一致之处 / change what differs, by its code")
@click.option("--passwords", type=file_type, help="初始密码写入此文件（.xlsx） / where to write first passwords")
@acting
@pass_console
def import_people(
    console: Console,
    file: Path,
    dry_run: bool,
    errors: Path | None,
    confirm: str,
    passwords: Path | None,
    username: str,
) -> None:
    """Take a sheet of staff into the acting administrator's counties."""
    data, place = file.read_bytes(), passwords or file.with_name(f"{file.stem}-passwords.xlsx")
    with console.running():
        words = console.speech()
        actor = console.actor(username)
        with Handed(words, place) as handed:
            done = import_staff(actor, data=data, hand_out=handed.out, confirm=confirm, dry_run=dry_run)
        _tell(console, words, done)
        if done.errors:
            _tell_errors(console, words, done, errors, data)
            raise click.exceptions.Exit(1)
        if done.is_applied and done.added:
            click.echo(words.say("staff.passwords_written", count=len(done.added), path=place))


class Handed:
    """A new file of first passwords that only its owner may read; it is gone again when nothing came of the import."""

    def __init__(self, words: Speech, path: Path) -> None:
        self._words, self._path, self._is_made = words, path, False

    def __enter__(self) -> "Handed":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is not None and self._is_made:
            self._path.unlink()

    def out(self, told: Sequence[FirstPassword]) -> None:
        """Write the file; raise Fault when there is one of that name."""
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise Fault("file", text=self._words.say("staff.passwords_there", path=self._path)) from error
        self._is_made = True
        with os.fdopen(handle, "wb") as file:
            file.write(password_book(self._words, told))
            file.flush()
            os.fsync(file.fileno())


def _tell(console: Console, words: Speech, done: Imported) -> None:
    if done.ignored:
        click.echo(words.say("staff.ignored", columns="、".join(done.ignored)))
    if done.errors:
        return
    if done.differences and not done.changed:
        _tell_differences(console, words, done)
    counts = {"added": len(done.added), "unchanged": done.unchanged}
    if done.is_applied:
        click.echo(words.say("staff.done", changed=done.changed, **counts))
    else:
        click.echo(words.say("staff.dry_run", differing=len(done.differences), **counts))


def _tell_differences(console: Console, words: Speech, done: Imported) -> None:
    names = names_in(done)
    rows = [
        (str(one.row), one.username, *change_words(words, change, names))
        for one in done.differences[:SHOWN]
        for change in one.changes
    ]
    console.table(("row", "username", "column", "before", "after"), rows)
    click.echo(words.say("staff.differing", count=len(done.differences), code=done.confirmation))


def _tell_errors(console: Console, words: Speech, done: Imported, path: Path | None, data: bytes) -> None:
    rows = [
        (str(e.row or ""), e.column, e.value, e.message_zh if console.lang == "zh" else e.message_en, e.code)
        for e in done.errors[:SHOWN]
    ]
    console.table(("row", "column", "value", "why", "code"), rows)
    if path:
        write_marked(path, find_staff(data), done.errors, language=console.lang)
        path.chmod(0o600)
        click.echo(words.say("staff.errors_written", path=path))
    click.echo(words.say("staff.refused", count=len(done.errors)), err=True)


@click.command("export", help="按导入的格式导出人员表 / write the staff in the layout of the import")
@click.argument("file", type=file_type)
@acting
@pass_console
def export_people(console: Console, file: Path, username: str) -> None:
    """Write the staff of the acting administrator's counties."""
    if file.suffix.lower() != ".xlsx":
        raise click.BadParameter(".xlsx", param_hint="FILE")
    with console.running():
        lines = list(export_staff(console.actor(username)))
        file.write_bytes(book_of(lines))
        file.chmod(0o600)
        click.echo(console.speech().say("staff.exported", count=len(lines) - 1, path=file))
