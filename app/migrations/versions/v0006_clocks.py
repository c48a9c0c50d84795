"""Clocks that explain themselves: calendars of record, duties of each period, receipts, substitutes."""

import json

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
    op.add_column("outbox", sa.Column("wait_until", sa.String(20)))
    _put_on_ladder()

    # --- substitutes, reasons ---


def downgrade() -> None:
    """Remove them: what they held is lost; entries and the ledger stay."""
    # --- substitutes, reasons ---

    # --- reminders, receipts and channels ---
    _take_off_ladder()
    op.drop_column("outbox", "wait_until")

    # --- duties ---

    # --- clocks ---

    # --- calendars ---


# --- reminders, receipts and channels: periods that run ---
LATER = ["100 owner", "120 superior", "200 county", "200 urge"]
PERIODS = sa.table(
    "deadlines", sa.column("warn", sa.JSON), sa.column("stage", sa.Integer), sa.column("next_at", sa.String(20))
)


def _put_on_ladder() -> None:
    """Percents to warn at become a ladder. Of a lapse the superior was told with the owner: that is past both."""
    for text in _ladders():
        percents = sorted({percent for percent in json.loads(text) if 0 < percent < 100})[-2:]
        _rewrite(text, [f"{percent} owner" for percent in percents] + LATER)
    _move_on(PERIODS.c.stage == 4, stage=5)
    _move_on((PERIODS.c.stage == 3) & PERIODS.c.next_at.is_not(None), stage=4)


def _take_off_ladder() -> None:
    for text in _ladders():
        early = [int(step.partition(" ")[0]) for step in json.loads(text)]
        _rewrite(text, [percent for percent in early if percent < 100])
    _move_on(PERIODS.c.stage == 4, stage=3)
    _move_on(PERIODS.c.stage > 4, stage=4, next_at=None)


def _ladders() -> list[str]:
    """The few different lists that all periods share, as they lie."""
    return list(op.get_bind().scalars(sa.select(sa.cast(PERIODS.c.warn, sa.Text)).distinct()))


def _rewrite(text: str, steps: list[str] | list[int]) -> None:
    op.execute(sa.update(PERIODS).where(sa.cast(PERIODS.c.warn, sa.Text) == text).values(warn=steps))


def _move_on(where: sa.ColumnElement[bool], **values: object) -> None:
    op.execute(sa.update(PERIODS).where(where).values(**values))
