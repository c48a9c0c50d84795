"""Settings: read once at start from the environment and checked; a wrong one stops the program with its name."""

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import time
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from app.gateways import MAKERS, Site, site_of
from app.office_seal import FOLDER, device_of
from app.outward import CLOSED, HOST, Allowed
from app.smtp import Mailer, is_address, mailer_of
from workflows.ladder import Quiet

PREFIX = "FANGPIN_"
ENGINES = ("sqlite", "postgresql")
SHORTEST_TOKEN = 16


# Whole numbers: variable, field, how many of the field's unit one of it is, least, most.
NUMBERS = (
    ("FANGPIN_SESSION_MINUTES", "session_seconds", 60, 5, 240),
    ("FANGPIN_SESSION_HOURS", "session_longest", 3600, 1, 24),
    ("FANGPIN_LOGIN_FAILURES", "login_failures", 1, 3, 20),
    ("FANGPIN_LOGIN_MINUTES", "login_window", 60, 5, 1440),
    ("FANGPIN_UPLOAD_MIB", "largest_upload", 1024 * 1024, 1, 64),
    ("FANGPIN_BUSY_SECONDS", "busy_seconds", 1, 1, 60),
    ("FANGPIN_PRINTS_MIB", "prints_bytes", 1024 * 1024, 0, 9_999_999),
    ("FANGPIN_PRINT_WORKERS", "print_workers", 1, 0, 64),
)
# Gateways beside mail: variable and channel.
CHANNELS = (("FANGPIN_WECOM", "wecom"), ("FANGPIN_DINGTALK", "dingtalk"), ("FANGPIN_SMS", "sms"))
# Every variable of the installation; those after the numbers are read by single commands.
KNOWN = (
    "FANGPIN_DATA", "FANGPIN_DATABASE_URL", "FANGPIN_POLICIES", "FANGPIN_PAPERS", "FANGPIN_FONTS",
    "FANGPIN_SECURE_COOKIES", "FANGPIN_PROXIES",
    "FANGPIN_METRICS_TOKEN", "FANGPIN_WEBHOOK_ALLOW", "FANGPIN_WEBHOOK_HTTP",
    *(variable for variable, _ in CHANNELS),
    "FANGPIN_SMTP_URL", "FANGPIN_MAIL_FROM", "FANGPIN_SMTP_PLAIN", "FANGPIN_BASE_URL",
    "FANGPIN_ALARM_MAIL", *(name for name, *_ in NUMBERS),
    "FANGPIN_QUIET_HOURS", "FANGPIN_MORNING", "FANGPIN_ANCHOR_FOLDER", "FANGPIN_PREPARE", "FANGPIN_SIGN_PAPERS",
    "FANGPIN_SEAL_DEVICE", "FANGPIN_TIMESTAMPS",
    "FANGPIN_CERT", "FANGPIN_KEY", "FANGPIN_ADMIN_PASSWORD", "FANGPIN_ADMIN_ID_NUMBER", "FANGPIN_PASSWORD",
    "FANGPIN_ID_NUMBER", "FANGPIN_BACKUP_PASSPHRASE",
)  # fmt: skip


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
    papers: Path | None = None
    fonts: Path | None = None
    session_seconds: int = 30 * 60
    session_longest: int = 12 * 3600
    secure_cookies: bool = False
    proxies: int = 0
    login_failures: int = 5
    login_window: int = 15 * 60
    largest_upload: int = 12 * 1024 * 1024
    busy_seconds: int = 10
    webhook_allowed: Allowed = CLOSED
    metrics_token: str = ""
    mail: Mailer | None = None
    base_url: str = ""
    alarm_mail: tuple[str, ...] = ()
    quiet: Quiet | None = field(default_factory=Quiet)
    gateways: Mapping[str, Site] = field(default_factory=dict)
    anchor_folder: Path | None = None
    timestamps: str = ""
    prints_bytes: int = 4096 * 1024 * 1024
    print_workers: int = 0  # as many as processors
    prepare: bool = True
    sign_papers: bool = False
    seal_device: Mapping[str, str] | None = None

    def at(self, database_url: str) -> "Settings":
        """Return the same settings with another database."""
        return replace(self, database_url=database_url)

    @property
    def evidence(self) -> Path:
        """The folder that holds photos and scans by digest."""
        return self.data / "evidence"

    @property
    def office_seal(self) -> Path:
        """The folder of the office's electronic seal; made by ``fangpin office-seal init``."""
        return self.data / FOLDER

    @property
    def pictures(self) -> Path:
        """The folder of perceptual hashes of photos; it may be deleted, what is missing is computed anew."""
        return self.data / "pictures"

    @property
    def secrets_file(self) -> Path:
        """The file that holds this installation's keys; made by ``fangpin init``, readable by its owner only."""
        return self.data / "secrets.json"


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of the environment; raise BadSetting naming the first wrong variable."""
    env = os.environ if environ is None else environ
    _ensure_known(env)
    data = Path(env.get("FANGPIN_DATA") or "var").expanduser().resolve()
    if data.exists() and not data.is_dir():
        raise BadSetting(f"FANGPIN_DATA: {data} is no folder")
    url = env.get("FANGPIN_DATABASE_URL") or f"sqlite:///{data / 'fangpin.sqlite3'}"
    return Settings(
        data=data,
        database_url=checked_url(url),
        policies=_folder(env, "FANGPIN_POLICIES"),
        papers=_folder(env, "FANGPIN_PAPERS"),
        fonts=_folder(env, "FANGPIN_FONTS"),
        secure_cookies=_flag(env, "FANGPIN_SECURE_COOKIES"),
        proxies=_proxies(env),
        webhook_allowed=_webhook_allowed(env),
        metrics_token=_token(env, "FANGPIN_METRICS_TOKEN"),
        mail=_mail(env),
        base_url=_base_url(env),
        alarm_mail=_alarm_mail(env),
        quiet=_quiet(env),
        gateways=_gateways(env),
        anchor_folder=_folder(env, "FANGPIN_ANCHOR_FOLDER"),
        timestamps=_timestamps(env),
        prepare=_flag(env, "FANGPIN_PREPARE", usual="1"),
        sign_papers=_flag(env, "FANGPIN_SIGN_PAPERS"),
        seal_device=_seal_device(env),
        **_numbers(env),
    )


def _folder(env: Mapping[str, str], name: str) -> Path | None:
    found = Path(env[name]) if env.get(name) else None
    if found and not found.is_dir():
        raise BadSetting(f"{name}: {found} is no folder")
    return found


def _ensure_known(env: Mapping[str, str]) -> None:
    """A name that was mistyped would be a setting that silently does not hold."""
    for name in sorted(env):
        if name.startswith(PREFIX) and name not in KNOWN:
            near = difflib.get_close_matches(name, KNOWN, n=1)
            meant = f"; is {near[0]} meant?" if near else ""
            raise BadSetting(f"{name}: there is no such setting{meant}")


def _numbers(env: Mapping[str, str]) -> dict[str, Any]:
    given = (row for row in NUMBERS if env.get(row[0]))
    return {field: _number(env, name, least, most) * unit for name, field, unit, least, most in given}


def _number(env: Mapping[str, str], name: str, least: int, most: int) -> int:
    value = env[name]
    number = int(value) if value.isascii() and value.isdigit() and len(value) < 9 else -1
    if not least <= number <= most:
        raise BadSetting(f"{name}: must be a whole number from {least} to {most}, not {value!r}")
    return number


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


def _flag(env: Mapping[str, str], name: str, usual: str = "0") -> bool:
    value = env.get(name, usual)
    if value not in ("0", "1"):
        raise BadSetting(f"{name}: must be 0 or 1, not {value!r}")
    return value == "1"


def _token(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if value and (len(value) < SHORTEST_TOKEN or not value.isascii() or not value.isprintable() or " " in value):
        raise BadSetting(f"{name}: must be at least {SHORTEST_TOKEN} ASCII characters without blanks")
    return value


def _webhook_allowed(env: Mapping[str, str]) -> Allowed:
    """FANGPIN_WEBHOOK_ALLOW: hosts and networks inside that webhooks may reach; FANGPIN_WEBHOOK_HTTP=1: without TLS."""
    hosts, networks = set(), []
    for text in filter(None, (part.strip() for part in env.get("FANGPIN_WEBHOOK_ALLOW", "").split(","))):
        try:
            networks.append(ip_network(text))
        except ValueError as error:
            if "/" in text or not HOST.fullmatch(text):
                raise BadSetting(f"FANGPIN_WEBHOOK_ALLOW: {text!r} is neither a host nor a network") from error
            hosts.add(text.lower())
    return Allowed(frozenset(hosts), tuple(networks), plain_http=_flag(env, "FANGPIN_WEBHOOK_HTTP"))


def _mail(env: Mapping[str, str]) -> Mailer | None:
    """Both or neither: without them no mail is sent."""
    url, sender = env.get("FANGPIN_SMTP_URL", ""), env.get("FANGPIN_MAIL_FROM", "")
    plain = _flag(env, "FANGPIN_SMTP_PLAIN")
    if not url and not sender:
        return None
    if not url or not sender:
        raise BadSetting(f"FANGPIN_{'MAIL_FROM' if url else 'SMTP_URL'}: missing; mail needs both settings")
    try:
        return mailer_of(url, sender, plain=plain)
    except ValueError as error:
        raise BadSetting(str(error)) from error


def _gateways(env: Mapping[str, str]) -> dict[str, Site]:
    try:
        return {name: site_of(key, env[key], MAKERS[name][1]) for key, name in CHANNELS if env.get(key)}
    except ValueError as error:
        raise BadSetting(str(error)) from error


def _alarm_mail(env: Mapping[str, str]) -> tuple[str, ...]:
    """Who is written to when a duty fails; addresses between commas, useless without a mail server."""
    addresses = tuple(filter(None, (part.strip() for part in env.get("FANGPIN_ALARM_MAIL", "").split(","))))
    for address in addresses:
        if not is_address(address):
            raise BadSetting(f"FANGPIN_ALARM_MAIL: {address!r} is no e-mail address")
    if addresses and not env.get("FANGPIN_SMTP_URL"):
        raise BadSetting("FANGPIN_ALARM_MAIL: set FANGPIN_SMTP_URL too, else nothing can be sent")
    return addresses


def _quiet(env: Mapping[str, str]) -> Quiet | None:
    """FANGPIN_QUIET_HOURS: from-to, or off (around the clock, every day); FANGPIN_MORNING: when what waited is told."""
    text, usual = env.get("FANGPIN_QUIET_HOURS", ""), Quiet()
    if text == "off":
        return None
    begins, dash, ends = text.partition("-")
    given = [_time("FANGPIN_QUIET_HOURS", part) for part in (begins, ends)] if dash else []
    if text and len(given) != 2:
        raise BadSetting(f"FANGPIN_QUIET_HOURS: must be as 21:00-08:00, or off, not {text!r}")
    morning = _time("FANGPIN_MORNING", env["FANGPIN_MORNING"]) if env.get("FANGPIN_MORNING") else usual.morning
    quiet = Quiet(given[0], given[1], morning) if given else Quiet(morning=morning)
    if quiet.holds(morning):
        raise BadSetting(f"FANGPIN_MORNING: {morning:%H:%M} lies in the quiet hours; nobody would be reminded then")
    return quiet


def _time(name: str, text: str) -> time:
    if not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise BadSetting(f"{name}: {text!r} is no time of the day such as 08:30")
    return time.fromisoformat(text)


def _seal_device(env: Mapping[str, str]) -> Mapping[str, str] | None:
    text = env.get("FANGPIN_SEAL_DEVICE", "")
    try:
        return device_of(text) if text else None
    except ValueError as error:
        raise BadSetting(f"FANGPIN_SEAL_DEVICE: {error}") from error


def _timestamps(env: Mapping[str, str]) -> str:
    value = env.get("FANGPIN_TIMESTAMPS", "")
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query):
        raise BadSetting("FANGPIN_TIMESTAMPS: must be the address of a timestamp authority (RFC 3161), http or https")
    if value and not env.get("FANGPIN_ANCHOR_FOLDER"):
        raise BadSetting("FANGPIN_TIMESTAMPS: needs FANGPIN_ANCHOR_FOLDER, where the stamps are kept")
    return value


def _base_url(env: Mapping[str, str]) -> str:
    value = env.get("FANGPIN_BASE_URL", "").rstrip("/")
    parts = urlsplit(value)
    is_plain = value.isascii() and value.isprintable() and " " not in value and not (parts.query or parts.fragment)
    if value and (parts.scheme not in ("http", "https") or not parts.netloc or not is_plain):
        raise BadSetting("FANGPIN_BASE_URL: must be where people find the site, such as https://fangpin.county.example")
    return value


def _proxies(env: Mapping[str, str]) -> int:
    value = env.get("FANGPIN_PROXIES", "0")
    if value not in tuple("0123456789"):
        raise BadSetting(f"FANGPIN_PROXIES: must be the number of trusted proxies, 0 to 9, not {value!r}")
    return int(value)
