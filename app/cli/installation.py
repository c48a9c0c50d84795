"""Setting up and running an installation: init, upgrade, serve, scheduler."""

import os
import sys
from functools import partial
from pathlib import Path

import click

from app import create_app
from app.cli.console import Console, Fault, pass_console
from app.services import setup
from app.store import schema

PASSWORD_VARIABLE = "FANGPIN_ADMIN_PASSWORD"  # noqa: S105 - the name of a variable
NUMBER_VARIABLE = "FANGPIN_ADMIN_ID_NUMBER"
pem_type = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(help="建立系统：密钥、数据库、区县、首位管理员 / set up keys, database, counties, first administrator")
@click.option("--county", "counties", multiple=True, metavar="CODE", help="县代码 6 位，可多次 / repeatable")
@click.option("--admin", "username", metavar="USERNAME", help="首位管理员用户名 / first administrator")
@click.option("--name", metavar="NAME", help="首位管理员姓名 / their name")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help=f"含密码的文件（或 {PASSWORD_VARIABLE}） / file with the password",
)
@click.option(
    "--id-number-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help=f"含其身份证号码的文件（或 {NUMBER_VARIABLE}） / file with their ID number",
)
@pass_console
def init(
    console: Console,
    counties: tuple[str, ...],
    username: str | None,
    name: str | None,
    password_file: Path | None,
    id_number_file: Path | None,
) -> None:
    """Set the installation up, once; by the ID number the administrator is known under any other account too."""
    ensure_one_pipe(id_number_file, password_file)
    settings = console.settings()
    chosen = counties or (ask(console, "county"),)
    request = setup.Request(
        counties=chosen,
        username=username or ask(console, "admin"),
        name=name or ask(console, "name"),
        password=read_secret(console, "password", password_file, PASSWORD_VARIABLE),
        id_number=read_secret(console, "id_number", id_number_file, NUMBER_VARIABLE),
    )
    result = setup.set_up(settings, request, make_app=partial(create_app, clock=console.clock))
    console.tell("init.done", data=settings.data, revision=result.revision)
    for county in result.counties:
        _tell_county(console, county)
    console.tell("init.admin", username=request.username)


def _tell_county(console: Console, county: setup.County) -> None:
    if county.areas:
        console.tell(
            "init.county", code=county.code, areas=county.areas, pack=county.pack, label=county.pack_label[console.lang]
        )
    else:
        console.tell("init.no_areas", code=county.code)
    if not county.has_own_pack:
        console.tell("init.national_only", code=county.code)


def ask(console: Console, what: str) -> str:
    """Ask at the terminal; without one a missing value is a usage error."""
    if not sys.stdin.isatty():
        raise click.UsageError(f"--{what}")
    return str(click.prompt(console.say(f"ask.{what}"))).strip()


def ensure_one_pipe(id_number_file: Path | None, password_file: Path | None) -> None:
    """Standard input can hold one of the two secrets only."""
    if str(id_number_file) == str(password_file) == "-":
        raise click.UsageError("--id-number-file - / --password-file -")


def read_secret(console: Console, what: str, file: Path | None, variable: str) -> str:
    """Take a password or an ID number from a file, the environment or the terminal, unseen.

    It is never an argument, where others on the machine see it.
    """
    if file:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return text.splitlines()[0] if text else ""
    if os.environ.get(variable):
        return os.environ[variable]
    if not sys.stdin.isatty():
        raise Fault(f"no_{what}", exit_code=2, variable=variable)
    again = console.say("ask.again") if what == "password" else False
    return str(click.prompt(console.say(f"ask.{what}"), hide_input=True, confirmation_prompt=again))


@click.command(help="把数据库升级到本程序的版本 / bring the database to this program's revision")
@pass_console
def upgrade(console: Console) -> None:
    """Upgrade the schema."""
    settings = console.settings()
    if not settings.secrets_file.exists():
        raise Fault("not_set_up", place=settings.data)
    console.tell("upgrade.done", revision=schema.upgrade(settings.database_url))


@click.command(help="启动网页服务（gunicorn） / serve the web")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), envvar="PORT", show_envvar=True)
@click.option("--quiet", is_flag=True, help="只记录警告 / log warnings only")
@click.option("--cert", type=pem_type, envvar="FANGPIN_CERT", help="TLS 证书（PEM，含证书链） / certificate with chain")
@click.option("--key", type=pem_type, envvar="FANGPIN_KEY", help="TLS 私钥（PEM） / its key")
@pass_console
def serve(console: Console, host: str, port: int, quiet: bool, cert: Path | None, key: Path | None) -> None:
    """Serve until told to stop."""
    from app import serve as server

    if (cert is None) != (key is None):
        raise click.UsageError("--cert, --key")
    tls = server.Tls(cert, key) if cert and key else None
    settings = console.settings()
    with console.running(settings):
        pass
    try:
        server.ensure_free(host, port)
    except server.PortInUse as error:
        raise Fault("port_in_use", port=port) from error
    try:
        if tls:
            server.ensure_certificate(tls)
    except server.BadCertificate as error:
        raise Fault("bad_certificate", text=str(error)) from error
    if not quiet:
        scheme = "https" if tls else "http"
        console.tell("serve.up", scheme=scheme, host=host, port=port, workers=server.worker_count())
    server.serve(settings, host=host, port=port, quiet=quiet, tls=tls)


@click.command(help="启动定时进程（到期、提醒、督办） / run the scheduler")
@click.option("--once", is_flag=True, help="每项任务只运行一次 / run every job once and end")
@click.option("--verbose", is_flag=True, help="空转也记录 / log idle runs too")
@pass_console
def scheduler(console: Console, *, once: bool, verbose: bool) -> None:
    """Become the scheduler's process: it stands outside the application, so that nothing here may import it."""
    with console.running():
        pass
    arguments = [f"--{name}" for name, is_set in {"once": once, "verbose": verbose}.items() if is_set]
    os.execv(sys.executable, [sys.executable, "-m", "scheduler", *arguments])  # noqa: S606 - our own module


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    for command in (init, upgrade, serve, scheduler):
        group.add_command(command)
