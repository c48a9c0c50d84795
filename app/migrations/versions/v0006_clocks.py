"""Clocks that explain themselves: calendars of record, duties of each period, receipts, substitutes."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables and columns."""
    # --- calendars ---

    # --- clocks ---

    # --- duties ---

    # --- reminders, receipts and channels ---

    # --- substitutes, reasons ---
    op.create_table(
        "substitutions",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("user_id", BIG_KEY, nullable=False),
        sa.Column("substitute_id", BIG_KEY, nullable=True),
        sa.Column("role", sa.String(24), nullable=False),
        sa.Column("area", sa.String(15), nullable=False),
        sa.Column("part", sa.String(15), nullable=False),
        sa.Column("begins", sa.String(10), nullable=False),
        sa.Column("ends", sa.String(10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("created_by", sa.String(24), nullable=False),
        sa.Column("ended_at", sa.String(20), nullable=True),
        sa.Column("ended_by", sa.String(24), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_substitutions_user", "substitutions", ["user_id", "ends"])
    op.create_index("ix_substitutions_substitute", "substitutions", ["substitute_id", "ends"])
    op.create_index("ix_substitutions_county", "substitutions", ["county", "id"])
    op.create_table(
        "late_reasons",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("user", sa.String(24), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("county", "case", "kind", "generation", "serial"),
    )


def downgrade() -> None:
    """Remove them: what they held is lost; entries and the ledger stay."""
    # --- substitutes, reasons ---
    op.drop_table("late_reasons")
    op.drop_table("substitutions")

    # --- reminders, receipts and channels ---

    # --- duties ---

    # --- clocks ---

    # --- calendars ---
