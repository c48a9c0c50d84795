"""The first schema: every table and index, and the guards that keep journal and access ledger append-only."""

import sqlalchemy as sa
from alembic import op

from app.store import append_only

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# fmt: off
TABLES = (
    "areas", "users", "appointments", "login_sessions", "login_failures", "households", "members", "cases", "waits",
    "journal", "disclosures", "evidence_files", "evidence_uses", "deadlines", "commands", "outbox", "reminders",
    "access_ledger", "ledger_heads", "counters", "texts", "settings", "heartbeats",
)
# fmt: on


def upgrade() -> None:
    """Make all of it."""
    _people()
    _households()
    _cases()
    _journal()
    _evidence()
    _deadlines()
    _messages()
    _ledger()
    _installation()
    append_only.install(op.get_bind(), append_only.FIRST)


def downgrade() -> None:
    """Remove all of it, but no sealed entry: a database that holds one keeps its tables."""
    for table in append_only.FIRST:
        if op.get_bind().scalar(sa.text(f"SELECT 1 FROM {table} LIMIT 1")):  # noqa: S608 - a name of ours
            raise RuntimeError(f"{table} holds sealed entries, which no migration may drop")
    append_only.remove(op.get_bind(), append_only.FIRST)
    for table in reversed(TABLES):
        op.drop_table(table)


def _people() -> None:
    """Areas, accounts and log-ins."""
    op.create_table(
        "areas",
        sa.Column("code", sa.String(15), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("level", sa.String(12), nullable=False),
        sa.Column("parent", sa.String(15), nullable=True),
        sa.Column("county", sa.String(6), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("ix_areas_county", "areas", ["county"])
    op.create_index("ix_areas_parent", "areas", ["parent"])
    op.create_table(
        "users",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("lang", sa.String(2), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("username"),
    )
    op.create_index("ix_users_county", "users", ["county"])
    op.create_index("ix_users_person", "users", ["person"])
    op.create_table(
        "appointments",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("user_id", BIG_KEY, nullable=False),
        sa.Column("role", sa.String(24), nullable=False),
        sa.Column("area", sa.String(15), nullable=False),
        sa.Column("begins", sa.String(10), nullable=False),
        sa.Column("ends", sa.String(10), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_appointments_role_area", "appointments", ["role", "area"])
    op.create_index("ix_appointments_user_id", "appointments", ["user_id"])
    op.create_table(
        "login_sessions",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("user_id", BIG_KEY, nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("seen_at", sa.String(20), nullable=False),
        sa.Column("expires_at", sa.String(20), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("ix_login_sessions_user_id", "login_sessions", ["user_id"])
    op.create_table(
        "login_failures",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_login_failures_source", "login_failures", ["source", "at"])
    op.create_index("ix_login_failures_username", "login_failures", ["username", "at"])


def _households() -> None:
    """Households and their members."""
    op.create_table(
        "households",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("number", sa.String(24), nullable=False),
        sa.Column("national_number", sa.String(40), nullable=True),
        sa.Column("area", sa.String(15), nullable=False),
        sa.Column("village", sa.String(12), nullable=False),
        sa.Column("township", sa.String(12), nullable=False),
        sa.Column("group_name", sa.String(60), nullable=False),
        sa.Column("head_name", sa.String(60), nullable=False),
        sa.Column("head_key", sa.String(64), nullable=False),
        sa.Column("member_count", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("phone", sa.String(40), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("county", "number"),
        sa.UniqueConstraint("county", "head_key"),
        sa.UniqueConstraint("county", "national_number"),
    )
    op.create_index("ix_households_head", "households", ["county", "head_name"])
    op.create_index("ix_households_township", "households", ["county", "township", "number"])
    op.create_index("ix_households_village", "households", ["county", "village", "number"])
    op.create_table(
        "members",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("household", sa.String(24), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("relation", sa.String(20), nullable=False),
        sa.Column("sex", sa.String(8), nullable=False),
        sa.Column("born", sa.String(10), nullable=False),
        sa.Column("id_key", sa.String(64), nullable=False),
        sa.Column("id_masked", sa.String(24), nullable=False),
        sa.Column("id_cipher", sa.String(200), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("county", "household", "position"),
        sa.UniqueConstraint("county", "id_key"),
        sa.ForeignKeyConstraint(["county", "household"], ["households.county", "households.number"]),
    )


def _cases() -> None:
    """Cases as they stand and whom they wait for."""
    op.create_table(
        "cases",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("definition", sa.String(40), nullable=False),
        sa.Column("definition_digest", sa.String(64), nullable=False),
        sa.Column("policy", sa.String(60), nullable=False),
        sa.Column("policy_digest", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("village", sa.String(12), nullable=False),
        sa.Column("township", sa.String(12), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(64), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("clocks", sa.Text(), nullable=False),
        sa.Column("due_at", sa.String(20), nullable=True),
        sa.Column("opened_at", sa.String(20), nullable=False),
        sa.Column("updated_at", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("county", "number"),
    )
    op.create_index("ix_cases_county", "cases", ["county", "definition", "state", "due_at", "number"])
    op.create_index("ix_cases_subject", "cases", ["county", "subject"])
    op.create_index("ix_cases_township", "cases", ["county", "township", "definition", "state", "due_at", "number"])
    op.create_index("ix_cases_village", "cases", ["county", "village", "definition", "state", "due_at", "number"])
    op.create_index(
        "ux_cases_one_open",
        "cases",
        ["county", "definition", "subject"],
        unique=True,
        sqlite_where=sa.text("closed = 0"),
        postgresql_where=sa.text("closed = false"),
    )
    op.create_table(
        "waits",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("role", sa.String(24), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("village", sa.String(12), nullable=False),
        sa.Column("township", sa.String(12), nullable=False),
        sa.Column("due_at", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("county", "case", "role"),
    )
    op.create_index("ix_waits_county", "waits", ["county", "role", "due_at", "case"])
    op.create_index("ix_waits_township", "waits", ["county", "township", "role", "due_at", "case"])
    op.create_index("ix_waits_user", "waits", ["user_id", "due_at", "case"])
    op.create_index("ix_waits_village", "waits", ["county", "village", "role", "due_at", "case"])


def _journal() -> None:
    """Sealed entries and the values they are committed to. No rowid: REPLACE could take a row by it."""
    op.create_table(
        "journal",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("county", "case", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "disclosures",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(40), nullable=False),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("county", "case", "seq", "field"),
    )


def _evidence() -> None:
    """Photos and scans, and where they serve."""
    op.create_table(
        "evidence_files",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("mime", sa.String(40), nullable=False),
        sa.Column("shown_sha256", sa.String(64), nullable=False),
        sa.Column("shown_mime", sa.String(40), nullable=False),
        sa.Column("uploaded_by", sa.String(24), nullable=False),
        sa.Column("uploaded_at", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("county", "sha256"),
    )
    op.create_table(
        "evidence_uses",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("county", "case", "seq", "kind", "sha256"),
    )
    op.create_index("ix_evidence_uses_file", "evidence_uses", ["county", "sha256"])


def _deadlines() -> None:
    """Running periods."""
    op.create_table(
        "deadlines",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(12), nullable=False),
        sa.Column("fires", sa.String(40), nullable=True),
        sa.Column("start_at", sa.String(20), nullable=False),
        sa.Column("due_at", sa.String(20), nullable=False),
        sa.Column("bound", sa.String(3), nullable=False),
        sa.Column("clause", sa.String(80), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("warn", sa.JSON(), nullable=False),
        sa.Column("village", sa.String(12), nullable=False),
        sa.Column("township", sa.String(12), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.String(20), nullable=True),
        sa.Column("noticed_at", sa.String(20), nullable=True),
        sa.Column("ended_how", sa.String(12), nullable=True),
        sa.Column("ended_at", sa.String(20), nullable=True),
        sa.Column("trouble", sa.String(300), nullable=True),
        sa.PrimaryKeyConstraint("county", "case", "kind", "generation"),
    )
    op.create_index(
        "ix_deadlines_next",
        "deadlines",
        ["next_at"],
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index("ix_deadlines_open", "deadlines", ["county", "ended_how", "due_at"])


def _messages() -> None:
    """Commands carried out, messages to deliver and reminders delivered."""
    op.create_table(
        "commands",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("user", sa.String(24), nullable=False),
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("county", "key"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("delivered_at", sa.String(20), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(300), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["id"],
        sqlite_where=sa.text("delivered_at IS NULL"),
        postgresql_where=sa.text("delivered_at IS NULL"),
    )
    op.create_table(
        "reminders",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("word", sa.String(40), nullable=False),
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("sent_at", sa.String(20), nullable=False),
        sa.Column("read_at", sa.String(20), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "key"),
    )
    op.create_index("ix_reminders_user", "reminders", ["user_id", "read_at", "id"])


def _ledger() -> None:
    """The access ledger; no rowid, like the journal."""
    op.create_table(
        "access_ledger",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("county", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_heads",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("county"),
    )


def _installation() -> None:
    """Counters, texts by digest, settings and heartbeats."""
    op.create_table(
        "counters",
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("county", "name"),
    )
    op.create_table(
        "texts",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
        sa.Column("detail", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
