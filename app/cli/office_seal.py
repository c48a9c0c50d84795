"""``fangpin office-seal``: make, show and renew the office's electronic seal, give out its root certificate."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from app import office_ca, office_seal
from app.cli.console import Console, Fault, pass_console
from app.office_seal import NoOfficeSeal
from workflows.clock import utc_text

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PUBLIC = click.option(
    "--public-key",
    "public",
    type=FILE,
    help="密码设备中印章的公钥（PEM）/ public key of a device",
)


@click.group("office-seal", help="机关电子印章：自建根证书，给打印件加盖 / the office's electronic seal on prints")
def group() -> None:
    """Hold the commands about the office's seal."""


@group.command(help="建立：根证书、印章、时钟、撤销列表 / make root, seal, clock and revocation list")
@click.option("--name", required=True, help="机关全称，如 秀山县农业农村委员会 / the office's name")
@click.option("--algorithm", type=click.Choice(sorted(office_ca.MAKERS)), default="p256", help="默认 p256")
@PUBLIC
@pass_console
def init(console: Console, name: str, algorithm: str, public: Path | None) -> None:
    """Make the seal in the folder of the keys; from then on trails are signed."""
    folder = console.settings().office_seal
    with _faults():
        now = _now(console)
        office_seal.make(folder, name, algorithm=algorithm, now=now, public=public.read_bytes() if public else b"")
    console.tell("office_seal.made", path=folder)
    _show(console)


@group.command(help="显示印章及有效期 / what the seal is and until when it holds")
@pass_console
def show(console: Console) -> None:
    """Show the seal."""
    _show(console)


@group.command(help="换发印章证书 / a new certificate and key under the same root")
@click.option("--revoke", is_flag=True, help="撤销旧证书（私钥泄露时）/ revoke the old one: its key was stolen")
@click.option("--root-key", type=FILE, help="根证书私钥，不在本机时 / the root's key, where it is kept elsewhere")
@PUBLIC
@pass_console
def renew(console: Console, revoke: bool, root_key: Path | None, public: Path | None) -> None:
    """Make a new seal; what was signed by the old one before stays good."""
    folder = console.settings().office_seal
    with _faults():
        pem = public.read_bytes() if public else b""
        office_seal.renew(folder, now=_now(console), revoke=revoke, root_key=root_key, public=pem)
    console.tell("office_seal.renewed")
    _show(console)


@group.command(help="输出根证书，交给核验人 / print the root certificate, for whoever checks")
@pass_console
def root(console: Console) -> None:
    """Print the root certificate (PEM)."""
    with _faults():
        click.echo(office_seal.root_pem(console.settings().office_seal), nl=False)


def _show(console: Console) -> None:
    with _faults():
        one = office_seal.show(console.settings().office_seal)
    console.tell("office_seal.name", name=one.name, algorithm=one.algorithm, serial=one.serial)
    console.tell("office_seal.until", until=utc_text(one.until), list=utc_text(one.list_until), count=one.revoked)
    console.tell("office_seal.root", root=one.root)
    if not one.has_key:
        console.tell("office_seal.in_device")
    if one.has_root_key:
        console.tell("office_seal.root_key_here", path=console.settings().office_seal / office_seal.ROOT_KEY)
    if one.until <= _now(console):
        console.tell("office_seal.ended")


def _now(console: Console) -> datetime:
    return (console.clock() if console.clock else datetime.now(UTC)).replace(microsecond=0)


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except NoOfficeSeal as error:
        raise Fault(error.code, place=error.place) from error


def register(commands: click.Group) -> None:
    """Add the commands of this file."""
    commands.add_command(group)
