"""Where and when a photo was taken is kept beside it, and found by index: of one person, by bands of the map.

Photos that were taken in before have no place here, though their originals may bear one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COLUMNS = (("latitude", sa.Integer()), ("longitude", sa.Integer()), ("taken_at", sa.String(20)))


def upgrade() -> None:
    """Make the columns and the index."""
    for name, kind in COLUMNS:
        op.add_column("evidence_files", sa.Column(name, kind, nullable=True))
    some = sa.text("latitude IS NOT NULL")
    key: list[str | sa.TextClause] = ["county", "uploaded_by", sa.text("(latitude / 2000)"), "longitude"]
    op.create_index("ix_evidence_files_place", "evidence_files", key, sqlite_where=some, postgresql_where=some)
    if op.get_bind().dialect.name == "postgresql":  # how an expression is spread is known only after this
        op.execute("ANALYZE evidence_files")


def downgrade() -> None:
    """Remove them; the originals still bear what was read from them."""
    op.drop_index("ix_evidence_files_place", "evidence_files")
    for name, _ in reversed(COLUMNS):
        op.drop_column("evidence_files", name)
