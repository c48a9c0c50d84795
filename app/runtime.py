"""What one running installation holds: settings, keys, rules, words and its clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import cast

from flask import current_app

from app.config import Settings
from app.keys import Keys
from templates import PATH as TEMPLATES
from workflows.registry import Rules
from workflows.terms import Terms, load_terms
from workflows.wordings import Lexicon

EXTENSION = "fangpin"


@dataclass
class Runtime:
    """Held by the Flask application; ``clock`` replaces the database's clock in tests only."""

    settings: Settings
    keys: Keys
    rules: Rules
    terms: Terms
    clock: Callable[[], datetime] | None = None
    lexicon: Lexicon = field(init=False)

    def __post_init__(self) -> None:
        """Words under each pack are put together once."""
        self.lexicon = Lexicon(self.terms)


def runtime() -> Runtime:
    """Return the runtime of the current application."""
    return cast("Runtime", current_app.extensions[EXTENSION])


@cache
def all_terms() -> Terms:
    """Return the words of the policy, of the pages and of mails as one catalogue."""
    names = (
        "ui",
        "mail",
        "channels",
        "staff",
        "rosters",
        "rules",
        "changes",
        "simulate",
        "duties",
        "absences",
        "calendar",
        "papers",
        "seals",
        "bundles",
        "check",
        "audit",
    )
    found = [load_terms(Path(TEMPLATES) / "messages" / f"{name}.toml") for name in names]
    return load_terms().merged({key: words.variants(key) for words in found for key in words})
