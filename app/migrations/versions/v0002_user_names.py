"""Log-in names in the one form in which they are compared; names stored before in other letters could not log in."""

import unicodedata

import sqlalchemy as sa
from alembic import op

from app.store.schema import Blocked

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

USERS = sa.table("users", sa.column("id", sa.BigInteger), sa.column("username", sa.String))
FAILURES = sa.table("login_failures", sa.column("id", sa.BigInteger), sa.column("username", sa.String))
LONGEST = 64


def canonical(username: str) -> str:
    """Return a name as of this revision; a copy, as a later program may compare otherwise."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def upgrade() -> None:
    """Write the names anew; two accounts of one name are for people to settle, so nothing is changed then."""
    connection = op.get_bind()
    names = {row.id: row.username for row in connection.execute(sa.select(USERS))}
    _ensure_settled(names)
    for table, found in ((USERS, names), (FAILURES, _failures(connection))):
        for key, name in found.items():
            if name != canonical(name)[:LONGEST]:
                values = {"username": canonical(name)[:LONGEST]}
                connection.execute(sa.update(table).where(table.c.id == key).values(values))


def _failures(connection: sa.Connection) -> dict[int, str]:
    return {row.id: row.username for row in connection.execute(sa.select(FAILURES))}


def _ensure_settled(names: dict[int, str]) -> None:
    alike: dict[str, list[str]] = {}
    for key, name in sorted(names.items()):
        alike.setdefault(canonical(name), []).append(f"{key} {name!r}")
    wrong = [" = ".join(found) for name, found in alike.items() if len(found) > 1 or not 0 < len(name) <= LONGEST]
    if wrong:
        raise Blocked(
            f"users {'; '.join(wrong)}: 这些用户名不分大小写、全半角后相同或为空，请先在数据库中改名，再升级"
            " / these names are the same without regard to case and width, or empty: rename them in"
            " the database first, then upgrade again"
        )


def downgrade() -> None:
    """Leave the names: the former program reads them as well."""
