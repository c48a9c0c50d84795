"""Runs over the running cases with other rules: rehearsals, changes, returns and what-if studies."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "rule_runs",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("user", sa.String(24), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("trouble", sa.String(300), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("ended_at", sa.String(20), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_rule_runs_county", "rule_runs", ["county", "id"])


def downgrade() -> None:
    """Remove it: what the runs found is lost; the entries of changed cases stay."""
    op.drop_table("rule_runs")
