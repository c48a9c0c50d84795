"""What all commands share: the language, the application when one is needed, errors as one line, progress."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from tqdm import tqdm

from app import create_app
from app.config import BadSetting, Settings, read_settings
from app.labels import Labels, Speech, refusal_sentence
from app.services import people, refusals
from app.services.archive import BackupFault
from app.services.areas import BadAreas
from app.services.outages import BUSY, FULL, outage_of
from app.services.setup import AlreadySetUp, close
from app.soundness import UnsoundRules
from app.store.dump import LoadFailed
from app.store.ledger import OPERATOR
from app.store.schema import Blocked, WrongSchema, ensure_current
from app.store.transaction import WrongEncoding
from app.tables import db
from templates import PATH as TEMPLATES
from workflows.clock import local_date
from workflows.errors import BadDocument, BadValue, MissingEvidence, MissingField, Refused
from workflows.model import Actor
from workflows.tables import BadTable
from workflows.terms import Terms, load_terms

REFUSED, DAMAGED = 1, 2
WORDS = Path(TEMPLATES) / "messages" / "cli.toml"
WIDE = 0x1100


class Fault(Exception):
    """Something that stops a command, with its code among the words ``cli.fault`` and the exit code."""

    def __init__(self, code: str, *, exit_code: int = REFUSED, **params: object) -> None:
        super().__init__(code)
        self.code, self.exit_code, self.params = code, exit_code, params


def words() -> Terms:
    """Return the words of the command line."""
    return load_terms(WORDS)


def language() -> str:
    """Return the language that the environment asks for: English for LANG=en…, else Chinese."""
    asked = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "en" if asked.startswith("en") else "zh"


@dataclass
class Console:
    """One run of the command line; ``clock`` is put in by tests and by the making of the demo."""

    lang: str = field(default_factory=language)
    clock: Callable[[], datetime] | None = None
    labels: Labels | None = None
    area: str = ""  # of whoever acts, for the words of that place

    def say(self, key: str, **params: Any) -> str:
        """Return a word or sentence of the command line."""
        return words().text(f"cli.{key}", self.lang, **params)

    def tell(self, key: str, **params: Any) -> None:
        """Print a sentence."""
        click.echo(self.say(key, **params))

    def settings(self) -> Settings:
        """Return the settings of the environment."""
        return read_settings()

    @contextmanager
    def running(self, settings: Settings | None = None) -> Iterator[Flask]:
        """Open the application with a database at this program's revision, and give all connections back after."""
        chosen = settings or self.settings()
        if not chosen.secrets_file.exists():
            raise Fault("not_set_up", place=chosen.data)
        app = create_app(chosen, clock=self.clock)
        with app.app_context():
            try:
                ensure_current(db.engine)
                yield app
            except Refused as refusal:
                if refusals.is_alarm(refusal) and not refusal.noted:
                    refusals.note_broken(OPERATOR, str(refusal.params["case"]), "cli")
                # Its sentence needs the words of the running application.
                raise Fault(refusal.code, text=self.sentence(refusal) + self.hint(refusal)) from refusal
            finally:
                close(app)

    def speech(self, area: str = "") -> Speech:
        """Return the words of policy and pages, inside the running application."""
        return Speech(self.lang, local_date(self.clock() if self.clock else datetime.now(UTC)), area or self.area)

    def sentence(self, refusal: Refused) -> str:
        """Return a refusal's sentence, inside the running application."""
        # A parameter called "key" would stand in for the key of the sentence itself.
        named = type(refusal)(**{name: value for name, value in refusal.params.items() if name != "key"})
        if isinstance(named, BadDocument) and isinstance(refusal, BadDocument):
            named.faults, named.file = refusal.faults, refusal.file
        return refusal_sentence(self.labels.speech if self.labels else self.speech(), named, self.labels)

    def hint(self, refusal: Refused) -> str:
        """Return how a command writes what a step misses, or what would have done; else nothing."""
        if self.labels and isinstance(refusal, MissingEvidence):
            return self.say("case.evidence_option", kind=refusal.params["kind"])
        if isinstance(refusal, BadValue) and "level" in refusal.params:
            return self.say("user.level", level=self.speech().say(f"level.{refusal.params['level']}"))
        if self.labels is None or not isinstance(refusal, BadValue | MissingField):
            return ""
        field = str(refusal.params.get("field", ""))
        options = self.labels.options(field)
        if options:
            return self.say("case.choices", field=field, names=self.speech().listed(options))
        return self.say("case.data_option", field=field) if isinstance(refusal, MissingField) else ""

    def reason(self, fault: Fault) -> str:
        """Return a fault's sentence; a refusal brings its own."""
        key = f"fault.{fault.code}"
        return self.say(key, **fault.params) if f"cli.{key}" in words() else str(fault.params["text"])

    def actor(self, username: str) -> Actor:
        """Return the person who acts; raises NotFound or NotAllowed."""
        found = people.actor_named(username)
        self.area = next((office.area for office in found.offices), "")
        return found

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print a table whose columns line up, Chinese characters counted as two wide."""
        texts = [[self.say(f"column.{name}") for name in columns], *([str(cell) for cell in row] for row in rows)]
        widths = [max(map(width, column)) for column in zip(*texts, strict=True)]
        for row in texts:
            cells = (cell + " " * (size - width(cell)) for cell, size in zip(row, widths, strict=True))
            click.echo("  ".join(cells).rstrip())

    @contextmanager
    def progress(self, key: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a progress bar for long work, only when standard error is a terminal."""
        if not sys.stderr.isatty():
            yield lambda _: None
            return
        with tqdm(total=total or None, desc=self.say(key), file=sys.stderr, leave=False) as bar:

            def advance(count: int) -> None:
                bar.update(count)

            yield advance


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if ord(sign) >= WIDE else 1 for sign in text)


# Errors that stop a command and say why by themselves.
STOPPERS = (
    AlreadySetUp, BackupFault, BadSetting, BadTable, BadAreas, LoadFailed, WrongEncoding, WrongSchema, Blocked, Refused,
    SQLAlchemyError, OSError,
)  # fmt: skip


class Commands(click.Group):
    """The command group: whatever stops a command becomes one line and an exit code here, and nowhere else."""

    def invoke(self, context: click.Context) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(context)
        except BrokenPipeError:
            # The reader, such as `head`, has seen enough; click ends this quietly.
            raise
        except (Fault, *STOPPERS) as error:
            console = context.ensure_object(Console)
            fault = error if isinstance(error, Fault) else fault_of(error, console)
            click.echo(console.say("error", code=fault.code, text=one_line(console.reason(fault))), err=True)
            context.exit(fault.exit_code)


def fault_of(error: Exception, console: Console) -> Fault:
    """Return the fault that an error is; its text never holds what a person typed into the database."""
    if isinstance(error, AlreadySetUp):
        return Fault("keys_lost" if error.what == "keys_lost" else "already_set_up", place=error.place)
    if isinstance(error, UnsoundRules):
        return Fault("unsound_rules", text=error.told(console.lang))
    if isinstance(error, BackupFault):
        return Fault(error.code, **error.params)
    if isinstance(error, BadAreas):
        text = console.say(f"areas_fault.{error.code}", line=error.line, value=error.value)
        return Fault("bad_areas", text=text)
    if isinstance(error, Refused):
        field, value = error.params.get("field", ""), error.params.get("value", "")
        key = f"fault.bad_{field}" if f"cli.fault.bad_{field}" in words() else "fault.bad_input"
        limits = {"shortest": people.SHORTEST_PASSWORD, "longest": people.LONGEST_PASSWORD}
        return Fault(error.code, text=console.say(key, field=field, value=value, **limits))
    outage = outage_of(error)
    if outage in (FULL, BUSY):
        return Fault(outage, text=cause_text(error))
    if isinstance(error, SQLAlchemyError):
        return Fault("database", text=cause_text(error))
    codes = {
        BadSetting: "bad_setting",
        BadTable: "bad_rules",
        WrongEncoding: "wrong_encoding",
        WrongSchema: "wrong_schema",
        Blocked: "upgrade_blocked",
        LoadFailed: "load_failed",
    }
    code = next((code for kind, code in codes.items() if isinstance(error, kind)), "file")
    return Fault(code, text=str(error))


def cause_text(error: Exception) -> str:
    """Return what the engine or the machine said; of an error of the database nothing that was to be stored."""
    if isinstance(error, SQLAlchemyError):
        return str(getattr(error, "orig", None) or type(error).__name__)
    return str(error)


def one_line(text: str) -> str:
    """Return a text without line ends."""
    return " ".join(text.split())


pass_console = click.make_pass_decorator(Console, ensure=True)
acting = click.option("--as", "username", metavar="USERNAME", required=True, help="办理人的用户名 / who acts")
