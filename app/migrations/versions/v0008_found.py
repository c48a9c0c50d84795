"""What stored texts are asked for is found by index: lines by subject, entries by gate, commands by time and haste.

Nothing is copied out of a text that nobody may change: the indexes stand over expressions. On a large county they take
minutes to build on the first start, in the same transaction as the step.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SUBJECT = {
    "sqlite": "county || ' ' || CASE WHEN json_valid(text) THEN json_extract(text, '$.subject') END",
    "postgresql": """((county || ' ') || split_part(split_part(text, ',"subject":"', -1), '"', 1))""",
}
MARK = """'"format":"fp-entry-v1","gate":"'"""
HEAD = "county || ' ' || CASE WHEN"
REST = f"substr(text, instr(text, {MARK}) + 31, 80)"
GATE = {
    "sqlite": (f"{HEAD} instr(text, {MARK}) > 0 THEN substr({REST}, 1, instr({REST}, '\"') - 1) ELSE '' END"),
    "postgresql": f"((county || ' ') || split_part(split_part(text, {MARK}, 2), '\"', 1))",
}
KEYED = """substr("key", instr("key", '/'))"""
TAKEN = {
    "sqlite": (
        f"CASE WHEN \"key\" GLOB 'u[0-9]*' AND {KEYED} GLOB '/o{10 * '[0-9]'}-*' THEN"
        f" CAST(strftime('%s', at) AS INTEGER) - CAST(substr({KEYED}, 3, 10) AS INTEGER) END"
    ),
    "postgresql": (
        "((make_date(substr(at, 1, 4)::integer, substr(at, 6, 2)::integer, substr(at, 9, 2)::integer)"
        " - make_date(1970, 1, 1))::bigint * 86400 + substr(at, 12, 2)::integer * 3600"
        " + substr(at, 15, 2)::integer * 60 + substr(at, 18, 2)::integer"
        " - substring(key, '^u[0-9]+/o([0-9]{10})-')::bigint)"
    ),
}


def upgrade() -> None:
    """Make the indexes."""
    engine = op.get_bind().dialect.name
    subject, gate, taken = (sa.text(found[engine]) for found in (SUBJECT, GATE, TAKEN))
    op.create_index("ix_access_ledger_subject", "access_ledger", [subject, "seq"])
    op.create_index("ix_journal_gate", "journal", [gate, "at", "case"])
    op.create_index("ix_commands_taken", "commands", ["county", taken])
    op.create_index("ix_commands_at", "commands", ["county", "at", "case", "seq", "user"])
    if engine == "postgresql":  # how an expression is spread is known only after this; without it plans are bad
        op.execute("ANALYZE access_ledger, journal, commands")


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_commands_at", "commands")
    op.drop_index("ix_commands_taken", "commands")
    op.drop_index("ix_journal_gate", "journal")
    op.drop_index("ix_access_ledger_subject", "access_ledger")
