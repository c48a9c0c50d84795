"""Where in the access ledger an official paper was issued: small pointers into it, never the truth itself.

Each is a setting whose name holds a digest; whoever follows one looks at the line and believes only that.
"""

from sqlalchemy import select

from app.store import ledger, settings
from app.store.transaction import present
from app.tables import Setting

SHOWN = 30  # digits of a digest in a setting's name
CONTENT, SERIES, LATEST, FILE = "paper", "series", "latest", "file"


def line_of(kind: str, digest: str) -> tuple[str, int] | None:
    """Return county and number of the line that a pointer names, None for no pointer; inside a transaction."""
    value = present().scalar(select(Setting.value).where(Setting.name == _name(kind, digest)))
    county, _, seq = str(value or "").partition(":")
    return (county, int(seq)) if value else None


def point(kind: str, digest: str, county: str, seq: int) -> None:
    """Let a pointer name a line, inside a transaction that writes."""
    settings.write(_name(kind, digest), f"{county}:{seq}")


def told(kind: str, digest: str) -> tuple[str, int, ledger.Line, str] | None:
    """Return (county, number, line, time) of what a pointer names, None for nothing."""
    place = line_of(kind, digest)
    found = ledger.line(*place) if place else None
    return (*place, *found) if place and found else None


def _name(kind: str, digest: str) -> str:
    return f"{kind}.{digest[:SHOWN]}"
