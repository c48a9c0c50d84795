"""Settings of the installation that live with the data."""

from app.tables import Setting, db


def read(name: str) -> str | None:
    """Return a setting, None when it was never made."""
    row = db.session.get(Setting, name)
    return row.value if row else None


def write(name: str, value: str) -> None:
    """Make or change a setting."""
    db.session.merge(Setting(name=name, value=value))
