"""The files for operators name commands, options and settings that exist."""

import re
import shlex
from configparser import ConfigParser
from pathlib import Path

import click

from app.cli import cli
from app.config import KNOWN

DEPLOY = Path(__file__).parents[2] / "deploy"
PROGRAM = "/opt/fangpin/venv/bin/fangpin"


def unit(path: Path) -> ConfigParser:
    """A unit file; keys may stand twice."""
    parser = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


def ensure_command(words: list[str]) -> None:
    """The command line takes these words."""
    command = cli.commands[words[0]]
    if (words[1:] and not words[1].startswith("-")) or words[0] == "serve":
        command.make_context(words[0], words[1:], parent=click.Context(cli), resilient_parsing=True)


def test_units_start_commands_that_exist_and_nothing_with_rights() -> None:
    services = sorted((DEPLOY / "systemd").glob("*.service"))
    assert len(services) == 3
    for path in services:
        service = unit(path)["Service"]
        words = shlex.split(service["ExecStart"])
        assert words[0] == PROGRAM
        ensure_command(words[1:])
        assert service["User"] == "fangpin"
        assert service["ProtectSystem"] == "strict"
        assert service["NoNewPrivileges"] == "yes"
        assert service["UMask"] == "0077"


def test_example_settings_exist() -> None:
    text = (DEPLOY / "systemd" / "fangpin.env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?(FANGPIN_[A-Z_]+)=", text, re.MULTILINE))
    assert named <= set(KNOWN)
    assert "FANGPIN_DATABASE_URL" in named


def test_the_container_runs_as_nobody_with_rights_and_by_hashes() -> None:
    text = (DEPLOY / "container" / "Containerfile").read_text(encoding="utf-8")
    assert "--require-hashes" in text
    assert text.index("USER fangpin") < text.index("CMD [")
    ensure_command(re.findall(r'"([^"]+)"', text[text.index("CMD [") :].splitlines()[0])[1:])


def test_proxies_set_the_visitors_address_and_hide_what_watches() -> None:
    for name in ("nginx.conf", "Caddyfile"):
        text = (DEPLOY / "proxy" / name).read_text(encoding="utf-8")
        assert "metrics" in text
        assert "127.0.0.1:8000" in text
    nginx = (DEPLOY / "proxy" / "nginx.conf").read_text(encoding="utf-8")
    assert re.search(r"X-Forwarded-For\s+\$remote_addr;", nginx)
