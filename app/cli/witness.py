"""``fangpin witness``: watch the checkpoints of an installation from outside; no database, no keys of its own."""

from pathlib import Path

import click

from app.cli.console import Console, pass_console
from app.services import witness as service
from app.services.witness import REFUSED, UNREACHED, BadState, Finding, Smaller, Unreached
from workflows.checkpoint import MalformedNote, Note, VerifierKey, read_verifier_key


@click.command(help="在外部见证封存点：树变小或历史不连续即拒绝（退出码 2）/ refuse a smaller or inconsistent tree")
@click.argument("source")
@click.option("--keys", "key_file", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="公钥文件，每行一个 / file of public keys, from fangpin seal key")  # fmt: skip
@click.option("--state", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="见证人自己的记录 / the witness's own file")  # fmt: skip
@click.option("--token-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="接口令牌（来源为网址时）/ token of the API, for an address")  # fmt: skip
@pass_console
def witness(console: Console, source: str, key_file: Path, state: Path, token_file: Path | None) -> None:
    """Read a folder or an address, judge what is new, remember what is taken."""
    try:
        keys = [read_verifier_key(line) for line in key_file.read_text().splitlines() if line.strip()]
        known = service.read_state(state)
    except (MalformedNote, BadState) as error:
        console.tell("witness.malformed", what=key_file if isinstance(error, MalformedNote) else state)
        raise click.exceptions.Exit(REFUSED) from error
    token = token_file.read_text().strip() if token_file else ""
    code = _watch(console, source, keys, known, token)
    service.write_state(state, known)
    raise click.exceptions.Exit(code)


def _watch(console: Console, source: str, keys: list[VerifierKey], known: dict[str, Note], token: str) -> int:
    """Judge, say what was found, return the exit code; ``known`` is brought up to what was taken."""
    broken: list[str] = []
    try:
        if source.startswith(("http://", "https://")):
            steps = [service.step_at(source, token, known)]
        else:
            steps, broken = service.steps_in(Path(source))
    except Unreached as error:
        console.tell("witness.unreached", what=error)
        return UNREACHED
    except Smaller:
        console.tell("witness.gone", source=source)
        return REFUSED
    except MalformedNote:
        broken, steps = [source], []
    for name in broken:
        console.tell("witness.malformed", what=name)
    found = service.watch(steps, keys, known)
    for one in found:
        _tell(console, one)
    return max([one.exit_code for one in found] + [REFUSED if broken else 0])


def _tell(console: Console, one: Finding) -> None:
    console.tell(f"witness.{one.code}", origin=one.origin, before=one.before, size=one.size)


def register(group: click.Group) -> None:
    """Add the command of this file."""
    group.add_command(witness)
