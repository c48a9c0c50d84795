"""``fangpin user``: accounts, added and disabled by whoever runs the machine."""

from pathlib import Path

import click

from app.cli.console import Console, pass_console
from app.cli.installation import read_password
from app.services import operators, people

PASSWORD_VARIABLE = "FANGPIN_PASSWORD"  # noqa: S105 - the name of a variable
OPERATOR = "cli"


@click.group(help="账号：添加、停用、列出 / accounts")
def user() -> None:
    """Hold the commands about accounts."""


@user.command(help="添加账号，职务写作 角色@区域代码 / add an account; an office is ROLE@AREA")
@click.argument("username")
@click.option("--name", required=True, help="姓名 / name")
@click.option("--office", "offices", multiple=True, required=True, metavar="ROLE@AREA")
@click.option("--id-number", help="证件号码：同一人的多个账号视为同一人 / accounts of one number are one person")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help=f"含密码的文件（或 {PASSWORD_VARIABLE}） / file with the password",
)
@pass_console
def add(
    console: Console,
    username: str,
    name: str,
    offices: tuple[str, ...],
    id_number: str | None,
    password_file: Path | None,
) -> None:
    """Add an account."""
    password = read_password(console, password_file, PASSWORD_VARIABLE)
    held = [read_office(text) for text in offices]
    with console.running():
        number = operators.add_account(
            username=username, name=name, password=password, offices=held, id_number=id_number
        )
    console.tell("user.added", username=username, id=f"u{number}")


def read_office(text: str) -> tuple[str, str]:
    """Read ROLE@AREA; an area shorter than 12 digits is filled up with zeros."""
    role, at, area = text.partition("@")
    if not at or not area.isdigit():
        raise click.BadParameter(f"{text}: ROLE@AREA", param_hint="--office")
    return role, area.ljust(12, "0")


@user.command(help="停用账号，其登录立即失效 / disable an account and end its log-ins")
@click.argument("username")
@pass_console
def disable(console: Console, username: str) -> None:
    """Disable an account; it is never removed, as entries name it."""
    with console.running():
        people.disable_user(username, by=OPERATOR)
    console.tell("user.disabled", username=username)


@user.command("list", help="列出账号 / list accounts")
@click.option("--county", default="", metavar="CODE")
@pass_console
def list_users(console: Console, county: str) -> None:
    """Print accounts with their offices."""
    with console.running():
        found = operators.list_accounts(county)
        speech = console.speech()
        rows = [
            (
                a.username,
                a.name,
                console.say("yes" if a.is_active else "no"),
                speech.listed([f"{speech.role(role)}@{area}" for role, area in a.offices]),
            )
            for a in found
        ]
    console.table(("username", "name", "active", "offices"), rows)


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(user)
