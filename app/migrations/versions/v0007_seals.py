"""Seals: a county's log of leaves, the tree over it, signed checkpoints."""

import sqlalchemy as sa
from alembic import op

from app.store import append_only

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and guard those that only ever grow."""
    op.create_table(
        "seal_leaves",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("county", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_seal_leaves_case", "seal_leaves", ["case", "county", "seq"])
    op.create_table(
        "seal_nodes",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("county", "level", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "seal_checkpoints",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("era", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("county", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "seal_heads",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("checkpoints", sa.BigInteger(), nullable=False),
        sa.Column("era", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("held_until", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("county"),
    )
    op.create_table(
        "sealed_cases",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(64), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("county", "case"),
    )
    append_only.remove(op.get_bind(), append_only.FIRST)
    append_only.install(op.get_bind())


def downgrade() -> None:
    """Remove them. Cases and entries stay; the log can be begun anew, what was handed out of it stays outside.

    No checkpoint that was given out is dropped: others hold this installation to it.
    """
    if op.get_bind().scalar(sa.text("SELECT 1 FROM seal_checkpoints LIMIT 1")):
        raise RuntimeError("seal_checkpoints holds checkpoints that were given out, which no migration may drop")
    append_only.remove(op.get_bind())
    for table in ("sealed_cases", "seal_heads", "seal_checkpoints", "seal_nodes", "seal_leaves"):
        op.drop_table(table)
    append_only.install(op.get_bind(), append_only.FIRST)
