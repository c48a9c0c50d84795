"""Clocks that explain themselves: calendars of record, duties of each period, receipts, substitutes."""

import sqlalchemy as sa

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


def downgrade() -> None:
    """Remove them: what they held is lost; entries and the ledger stay."""
    # --- substitutes, reasons ---

    # --- reminders, receipts and channels ---

    # --- duties ---

    # --- clocks ---

    # --- calendars ---
