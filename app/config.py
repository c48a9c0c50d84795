"""Settings: read once at start from the environment and checked; a wrong one stops the program with its name."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

ENGINES = ("sqlite", "postgresql")
SHORTEST_TOKEN = 16


class BadSetting(ValueError):
    """A setting is missing or wrong; the text names it and says what is needed."""


@dataclass(frozen=True)
class Settings:
    """Where the data lies and how long things last; times in seconds.

    ``proxies`` (FANGPIN_PROXIES, 0 unless set) is how many trusted reverse proxies stand before the web. Each must set
    X-Forwarded-For and X-Forwarded-Proto and pass Host on; only then are log-ins throttled by the visitor's own
    address and HSTS is sent. With 0 those headers are ignored, as any visitor can write them.
    """

    data: Path
    database_url: str
    policies: Path | None = None
    session_seconds: int = 30 * 60
    session_longest: int = 12 * 3600
    secure_cookies: bool = False
    proxies: int = 0
    login_failures: int = 5
    login_window: int = 15 * 60
    largest_upload: int = 12 * 1024 * 1024
    busy_seconds: int = 10
    metrics_token: str = ""

    def at(self, database_url: str) -> "Settings":
        """Return the same settings with another database."""
        return replace(self, database_url=database_url)

    @property
    def evidence(self) -> Path:
        """The folder that holds photos and scans by digest."""
        return self.data / "evidence"

    @property
    def secrets_file(self) -> Path:
        """The file that holds this installation's keys; made by ``fangpin init``, readable by its owner only."""
        return self.data / "secrets.json"


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of the environment; raise BadSetting naming the first wrong variable."""
    env = os.environ if environ is None else environ
    data = Path(env.get("FANGPIN_DATA", "var")).expanduser().resolve()
    url = env.get("FANGPIN_DATABASE_URL") or f"sqlite:///{data / 'fangpin.sqlite3'}"
    policies = Path(env["FANGPIN_POLICIES"]) if env.get("FANGPIN_POLICIES") else None
    if policies and not policies.is_dir():
        raise BadSetting(f"FANGPIN_POLICIES: {policies} is no folder")
    return Settings(
        data=data,
        database_url=checked_url(url),
        policies=policies,
        secure_cookies=_flag(env, "FANGPIN_SECURE_COOKIES"),
        proxies=_proxies(env),
        metrics_token=_token(env, "FANGPIN_METRICS_TOKEN"),
    )


def checked_url(url: str) -> str:
    """Return a database address with the driver we use; raise BadSetting when it is none of the two engines."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise BadSetting(f"FANGPIN_DATABASE_URL: not a database address ({error})") from error
    engine = parsed.get_backend_name()
    if engine not in ENGINES:
        raise BadSetting(f"FANGPIN_DATABASE_URL: {engine!r} is not served; use sqlite:/// or postgresql://")
    driver = "postgresql+psycopg" if engine == "postgresql" else "sqlite"
    return parsed.set(drivername=driver).render_as_string(hide_password=False)


def _flag(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "0")
    if value not in ("0", "1"):
        raise BadSetting(f"{name}: must be 0 or 1, not {value!r}")
    return value == "1"


def _token(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if value and (len(value) < SHORTEST_TOKEN or not value.isascii() or not value.isprintable() or " " in value):
        raise BadSetting(f"{name}: must be at least {SHORTEST_TOKEN} ASCII characters without blanks")
    return value


def _proxies(env: Mapping[str, str]) -> int:
    value = env.get("FANGPIN_PROXIES", "0")
    if value not in tuple("0123456789"):
        raise BadSetting(f"FANGPIN_PROXIES: must be the number of trusted proxies, 0 to 9, not {value!r}")
    return int(value)
