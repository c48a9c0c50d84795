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
    op.create_table(
        "calendars",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("area", sa.String(6), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("number", sa.String(200), nullable=False),
        sa.Column("dated", sa.String(10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("user", sa.String(24), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("decided_by", sa.String(24), nullable=False),
        sa.Column("decided_at", sa.String(20), nullable=True),
        sa.Column("withdrawn_by", sa.String(24), nullable=False),
        sa.Column("withdrawn_at", sa.String(20), nullable=True),
        sa.Column("changed", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_calendars_changed", "calendars", ["changed"], unique=True)

    # --- clocks ---

    # --- duties ---
    op.create_table(
        "duty_periods",
        sa.Column("county", sa.String(6), primary_key=True),
        sa.Column("duty", sa.String(40), primary_key=True),
        sa.Column("subject", sa.String(24), primary_key=True),
        sa.Column("begins", sa.String(20), primary_key=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("village", sa.String(12), nullable=False),
        sa.Column("township", sa.String(12), nullable=False),
        sa.Column("roles", sa.String(200), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("pack", sa.String(64), nullable=False),
        sa.Column("clause", sa.String(80), nullable=False),
        sa.Column("bound", sa.String(3), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.String(20), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.String(20)),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("settled_at", sa.String(20)),
        sa.Column("trouble", sa.String(300)),
    )
    some = sa.text("next_at IS NOT NULL")
    op.create_index("ix_duty_periods_next", "duty_periods", ["next_at"], sqlite_where=some, postgresql_where=some)
    group = ["county", "duty", "village", "user_id", "begins"]
    op.create_index("ix_duty_periods_group", "duty_periods", group, sqlite_where=some, postgresql_where=some)
    op.create_index("ix_duty_periods_county", "duty_periods", ["county", "state", "due_at"])
    op.create_index("ix_duty_periods_township", "duty_periods", ["county", "township", "state", "due_at"])
    op.create_index("ix_duty_periods_village", "duty_periods", ["county", "village", "state", "due_at"])
    op.create_index("ix_duty_periods_subject", "duty_periods", ["county", "subject", "state", "due_at"])
    op.create_index("ix_duty_periods_user", "duty_periods", ["user_id", "state", "due_at"])
    op.create_table(
        "duty_acts",
        sa.Column("id", BIG_KEY, primary_key=True),
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("duty", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(24), nullable=False),
        sa.Column("begins", sa.String(20), nullable=False),
        sa.Column("act", sa.String(60), nullable=False),
        sa.Column("user", sa.String(24), nullable=False),
        sa.Column("role", sa.String(24), nullable=False),
        sa.Column("mode", sa.String(12), nullable=False),
        sa.Column("on_day", sa.String(10), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("nil", sa.Boolean(), nullable=False),
        sa.Column("why", sa.String(8), nullable=False),
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
        sa.UniqueConstraint("county", "case", "seq", "duty", "subject", "begins"),
    )
    op.create_index("ix_duty_acts_period", "duty_acts", ["county", "subject", "duty", "begins"])
    op.create_table(
        "duty_runs",
        sa.Column("county", sa.String(6), primary_key=True),
        sa.Column("since", sa.String(20), nullable=False),
        sa.Column("through", sa.String(10), nullable=False),
    )
    op.create_table(
        "duty_reports",
        sa.Column("county", sa.String(6), primary_key=True),
        sa.Column("key", sa.String(90), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
    )

    # --- reminders, receipts and channels ---
    op.add_column("outbox", sa.Column("wait_until", sa.String(20)))
    _put_on_ladder()
    for name, size in (("answered_at", 20), ("answer", 8), ("escalated_at", 20)):
        op.add_column("reminders", sa.Column(name, sa.String(size)))
    op.create_index("ix_reminders_case", "reminders", ["county", "case", "user_id"])
    _make_receipts()
    _make_urging()
    op.add_column("mails", sa.Column("channel", sa.String(8), nullable=False, server_default="mail"))
    _make_addresses("channel_addresses", by_channel=True)
    _copy_addresses("channel_addresses", "mail_addresses", channel="mail")
    op.drop_table("mail_addresses")

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
    _make_addresses("mail_addresses", by_channel=False)
    _copy_addresses("mail_addresses", "channel_addresses")
    op.drop_table("channel_addresses")
    op.execute(sa.text("DELETE FROM mails WHERE channel <> 'mail'"))
    op.drop_column("mails", "channel")
    for table in ("urgings", "nudges", "reminder_deliveries"):
        op.drop_table(table)
    op.drop_index("ix_reminders_case", "reminders")
    for name in ("escalated_at", "answer", "answered_at"):
        op.drop_column("reminders", name)
    _take_off_ladder()
    op.drop_column("outbox", "wait_until")

    # --- duties ---
    for table in ("duty_reports", "duty_runs", "duty_acts", "duty_periods"):
        op.drop_table(table)

    # --- clocks ---

    # --- calendars ---
    op.drop_table("calendars")


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


# --- reminders, receipts and channels: tables ---
ADDRESS = ("user_id", "address", "choice", "asked_at", "tries", "confirmed_at", "bounced_at", "bounce")


def _make_receipts() -> None:
    op.create_table(
        "reminder_deliveries",
        sa.Column("reminder_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("reminder_id", "channel"),
    )
    op.create_table(
        "nudges",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("county", "case", "user_id", "day"),
    )


def _make_urging() -> None:
    op.create_table(
        "urgings",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.String(20), nullable=False),
        sa.Column("area", sa.String(12), nullable=False),
        sa.Column("mark", sa.String(20), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("issued_at", sa.String(20), nullable=False),
        sa.Column("issued_by", sa.String(24), nullable=False),
        sa.Column("answer_by", sa.String(20), nullable=False),
        sa.Column("answered_at", sa.String(20)),
        sa.Column("answered_by", sa.String(24)),
        sa.Column("answer", sa.String(1000), nullable=False),
        sa.PrimaryKeyConstraint("county", "year", "number"),
    )
    op.create_index("ix_urgings_case", "urgings", ["county", "case", "kind", "generation"])


def _make_addresses(name: str, *, by_channel: bool) -> None:
    channel = [sa.Column("channel", sa.String(8), nullable=False)] if by_channel else []
    op.create_table(
        name,
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *channel,
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("choice", sa.String(8), nullable=False),
        sa.Column("asked_at", sa.String(20), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", sa.String(20), nullable=True),
        sa.Column("bounced_at", sa.String(20), nullable=True),
        sa.Column("bounce", sa.String(60), nullable=False),
        sa.PrimaryKeyConstraint("user_id", *(column.name for column in channel)),
    )


def _copy_addresses(to: str, source: str, *, channel: str = "") -> None:
    """Take the addresses over into the new table, or back those of mail."""
    names = ", ".join(ADDRESS)
    more, value, only = (", channel", f", '{channel}'", "") if channel else ("", "", " WHERE channel = 'mail'")
    op.execute(sa.text(f"INSERT INTO {to} ({names}{more}) SELECT {names}{value} FROM {source}{only}"))  # noqa: S608
