"""The application: settings, keys, rules and database put together into one Flask application."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from flask import Flask

from app.config import BadSetting, Settings, read_settings
from app.keys import Keys, read_keys
from app.runtime import EXTENSION, Runtime, all_terms
from app.soundness import ensure_sound
from app.store.transaction import engine_options, prepare_engine
from app.tables import db
from templates import PATH as TEMPLATES
from workflows.registry import Rules, load_rules


def create_app(
    settings: Settings | None = None,
    *,
    clock: Callable[[], datetime] | None = None,
    keys: Keys | None = None,
    rules: Rules | None = None,
) -> Flask:
    """Return the application; ``clock``, ``keys`` and ``rules`` are put in by tests only.

    Rules that nobody put in are proven sound before anything runs on them (``app.soundness``).
    Raises BadSetting, BadTable, UnsoundRules or FileNotFoundError (no keys yet: ``fangpin init``) with what is wrong.
    """
    settings = settings or read_settings()
    if settings.papers:
        _ensure_papers(settings.papers)
    app = Flask("app", template_folder=str(TEMPLATES), static_folder=str(Path(__file__).with_name("static")))
    keys = keys or read_keys(settings.secrets_file)
    app.config.update(
        SECRET_KEY=keys.cookie,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url, settings.busy_seconds),
        MAX_CONTENT_LENGTH=4 * settings.largest_upload,
        SESSION_COOKIE_SECURE=settings.secure_cookies,
    )
    held = Runtime(settings, keys, (rules or sound_rules(settings)).of_one_installation(), all_terms(), clock)
    app.extensions[EXTENSION] = held
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    return app


def _ensure_papers(folder: Path) -> None:
    """A county's own template that fails stops the program: silently printing ours instead would deceive the county."""
    from app.printing import BadPaper, ensure_papers

    try:
        ensure_papers(folder)
    except BadPaper as error:
        raise BadSetting(f"FANGPIN_PAPERS: {error}") from error


def sound_rules(settings: Settings) -> Rules:
    """Return the shipped rules and the site's own; raise BadTable, or UnsoundRules with a counter-example."""
    rules = load_rules(*([settings.policies] if settings.policies else []))
    ensure_sound(rules, settings.data)
    return rules
