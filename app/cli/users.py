"""``fangpin user``: accounts and their offices, as an administrator of the county keeps them."""

import copy
import uuid
from pathlib import Path

import click

from app.cli.console import Console, acting, pass_console
from app.cli.installation import ensure_one_pipe, read_secret
from app.cli.staff import export_people, import_people
from app.cli.substitutes import stand_in
from app.services import accounts, handover, operators
from app.services.offices import LOOKING_ON
from workflows.model import ROLE_LEVELS

PASSWORD_VARIABLE = "FANGPIN_PASSWORD"  # noqa: S105 - the name of a variable
NUMBER_VARIABLE = "FANGPIN_ID_NUMBER"
by_admin = click.option(
    "--as", "admin", metavar="USERNAME", required=True, help="该县系统管理员的用户名 / an administrator of the county"
)


@click.group(help="账号：添加、按人员表导入、任免、停用、移交、列出 / accounts and staff")
def user() -> None:
    """Hold the commands about accounts."""


number_option = click.option(
    "--id-number-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help=f"含身份证号码的文件（或 {NUMBER_VARIABLE}）：同号即同一人 / file with the ID number (one number, one person)",
)


@user.command(help="添加账号，职务写作 角色@区域代码 / add an account; an office is ROLE@AREA")
@click.argument("username")
@click.option("--name", required=True, help="姓名 / name")
@click.option("--office", "offices", multiple=True, required=True, metavar="ROLE@AREA")
@number_option
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help=f"含密码的文件（或 {PASSWORD_VARIABLE}） / file with the password",
)
@by_admin
@pass_console
def add(
    console: Console,
    username: str,
    name: str,
    offices: tuple[str, ...],
    id_number_file: Path | None,
    password_file: Path | None,
    admin: str,
) -> None:
    """Add an account."""
    ensure_one_pipe(id_number_file, password_file)
    held = [read_office(text) for text in offices]
    password = read_secret(console, "password", password_file, PASSWORD_VARIABLE)
    signs = any(role in ROLE_LEVELS and role not in LOOKING_ON for role, _ in held)
    id_number = read_id_number(console, id_number_file, is_needed=signs)
    with console.running():
        number = operators.add_account(
            console.actor(admin), username=username, name=name, password=password, offices=held, id_number=id_number
        )
    console.tell("user.added", username=username, id=f"u{number}")


def read_id_number(console: Console, file: Path | None, *, is_needed: bool) -> str | None:
    """Take an ID number where one is given or needed."""
    return read_secret(console, "id_number", file, NUMBER_VARIABLE) if file or is_needed else None


def read_office(text: str) -> tuple[str, str]:
    """Read ROLE@AREA; an area shorter than 12 digits is filled up with zeros."""
    role, at, area = text.partition("@")
    if not at or not area.isdigit():
        raise click.BadParameter(f"{text}: ROLE@AREA", param_hint="--office")
    return role, area.ljust(12, "0")


@user.command(help="停用账号，其登录立即失效 / disable an account and end its log-ins")
@click.argument("username")
@by_admin
@pass_console
def disable(console: Console, username: str, admin: str) -> None:
    """Disable an account; it is never removed, as entries name it."""
    with console.running():
        accounts.disable(console.actor(admin), username)
        left = handover.open_work(operators.account_id(username))
    console.tell("user.disabled", username=username)
    if left:
        console.tell("user.work_left", username=username, count=len(left))


@user.command("hand-over", help="移交：把离任者帮扶的户交给接任者 / give a leaver's households to another helper")
@click.argument("giver", metavar="FROM")
@click.argument("taker", metavar="TO")
@click.option("--reason", required=True, help="原因 / why")
@click.option("--note", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="安排文件（照片或扫描件） / the note of assignment")  # fmt: skip
@click.option("--key", default=None, help="幂等标识：同一标识再运行只办未办的 / run again with it to do what was left")
@acting
@pass_console
def hand_over(
    console: Console, giver: str, taker: str, reason: str, note: Path, key: str | None, username: str
) -> None:
    """Change the helper of all households that FROM helps where the acting person may; refusals are listed."""
    with console.running():
        actor, chosen = console.actor(username), key or uuid.uuid4().hex[:16]
        leaver, follower = operators.account_id(giver), operators.account_id(taker)
        handed = handover.take_note(actor, handover.mine(actor, leaver), note.read_bytes())
        found = handover.hand_over(actor, leaver, follower, reason=reason, evidence=handed, key=chosen)
        refusals = [(case, console.sentence(refused)) for case, refused in found.refused]
    if not found.done and not refusals:
        console.tell("user.nothing_to_hand", giver=giver)
        return
    console.tell("user.handed_over", count=len(found.done), giver=giver, taker=taker)
    for case, sentence in refusals:
        console.tell("user.not_handed", case=case, why=sentence)
    if refusals:
        console.tell("user.hand_again", again=chosen)
        raise click.exceptions.Exit(1)


@user.command(help="重新启用账号 / enable a disabled account again")
@click.argument("username")
@by_admin
@pass_console
def enable(console: Console, username: str, admin: str) -> None:
    """Enable a disabled account; its password and offices are the old ones."""
    with console.running():
        accounts.enable(console.actor(admin), username)
    console.tell("user.enabled", username=username)


@user.command(help="任命职务，自今日起 / give an account an office from today on")
@click.argument("username")
@click.option("--office", required=True, metavar="ROLE@AREA")
@number_option
@by_admin
@pass_console
def appoint(console: Console, username: str, office: str, id_number_file: Path | None, admin: str) -> None:
    """Give an office; a person who changes office keeps the account."""
    role, area = read_office(office)
    with console.running():
        actor, needed = console.actor(admin), operators.needs_number(username, role)
        id_number = read_id_number(console, id_number_file, is_needed=needed)
        operators.appoint(actor, username, role=role, area=area, id_number=id_number)
    console.tell("user.appointed", username=username, office=f"{role}@{area}")


@user.command("end-office", help="免去职务，立即生效 / end an office at once")
@click.argument("username")
@click.option("--office", required=True, metavar="ROLE@AREA")
@by_admin
@pass_console
def end_office(console: Console, username: str, office: str, admin: str) -> None:
    """End an office."""
    role, area = read_office(office)
    with console.running():
        accounts.end_office(console.actor(admin), username, role=role, area=area)
    console.tell("user.office_ended", username=username, office=f"{role}@{area}")


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
    for command in (import_people, export_people, stand_in):
        user.add_command(command)
    group.add_command(user)
    both = copy.copy(user)
    both.hidden = True
    group.add_command(both, "users")
