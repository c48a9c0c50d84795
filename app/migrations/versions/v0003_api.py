"""Tokens of the API, its commands by idempotency key, webhooks and what is sent to them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _tokens()
    _webhooks()


def downgrade() -> None:
    """Remove them: tokens must be made again, no case is touched."""
    for table in ("webhook_deliveries", "webhooks", "api_commands", "api_tokens"):
        op.drop_table(table)


def _tokens() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("user_id", BIG_KEY, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("scopes", sa.String(400), nullable=False),
        sa.Column("area", sa.String(15), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("created_by", sa.String(24), nullable=False),
        sa.Column("expires_at", sa.String(20), nullable=False),
        sa.Column("used_at", sa.String(20), nullable=True),
        sa.Column("ended_at", sa.String(20), nullable=True),
        sa.Column("ended_by", sa.String(24), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index("ix_api_tokens_user_id", "api_tokens", ["user_id"])
    op.create_table(
        "api_commands",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", "key"),
    )
    op.create_index("ix_api_commands_at", "api_commands", ["at"])


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("area", sa.String(15), nullable=False),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("events", sa.String(400), nullable=False),
        sa.Column("secret_cipher", sa.String(200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("created_by", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_webhooks_county", "webhooks", ["county", "active"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(160), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("next_at", sa.String(20), nullable=True),
        sa.Column("last_status", sa.String(60), nullable=False),
        sa.Column("last_at", sa.String(20), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("webhook_id", "event"),
    )
    op.create_index(
        "ix_webhook_deliveries_next",
        "webhook_deliveries",
        ["next_at"],
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
