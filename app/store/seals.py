"""Seals: what changed since its last leaf, the growing log, its tiles and checkpoints."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, func, insert, or_, select, update

from app.store.bulk import insert_rows
from app.store.statements import run, table
from app.store.transaction import insert_once, is_sqlite, present
from app.tables import (
    AccessRow,
    CaseRow,
    JournalRow,
    LedgerHead,
    SealCheckpoint,
    SealedCase,
    SealHead,
    SealLeaf,
    SealNode,
    db,
)
from workflows.clock import utc_text
from workflows.journal import GENESIS
from workflows.leaves import LEDGER, Leaf
from workflows.tree import WIDTH, ReadTile, Tree, grown, leaf_hash

Rows = Sequence[Any]
LEAF_COLUMNS = ("county", "seq", '"case"', "entry", "text", "hash")
NODE_COLUMNS = ("county", "level", "seq", "hash")
HEADS = table(SealHead)
NEW_LOG = {"size": 0, "checkpoints": 0, "era": 1, "epoch": 0, "held_until": ""}
# What goes to the engine as it is.
ON_SQLITE = (
    'INSERT INTO sealed_cases (county, "case", entry, head, leaf) VALUES (?, ?, ?, ?, ?)'
    ' ON CONFLICT (county, "case") DO UPDATE SET entry = excluded.entry, head = excluded.head, leaf = excluded.leaf'
)
ON_POSTGRESQL = (
    'INSERT INTO sealed_cases (county, "case", entry, head, leaf)'
    " SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[])"
    ' ON CONFLICT (county, "case") DO UPDATE SET entry = excluded.entry, head = excluded.head, leaf = excluded.leaf'
)


class Change(NamedTuple):
    """The head of a chain that has no leaf yet; ``sealed`` is the entry of its newest leaf, 0 without one."""

    case: str
    entry: int
    head: str
    sealed: int


# --- the end of the log ---
def lock(county: str) -> Any:
    """Return the end of a county's log under lock until the commit; the first sealer of all makes it."""
    query = select(HEADS).where(HEADS.c.county == county).with_for_update()
    found = run(query, {}).one_or_none()
    if found is None:
        run(insert_once(SealHead), {"county": county, **NEW_LOG})
        found = run(query, {}).one()
    return found


def save(county: str, **values: Any) -> None:
    """Note the new end of the log; the caller holds its lock."""
    run(update(HEADS).where(HEADS.c.county == county).values(**values), {})


def head(county: str) -> SealHead | None:
    """Return the end of a county's log, None when nothing was ever sealed."""
    return db.session.get(SealHead, county)


def lengths(county: str) -> tuple[int, int]:
    """Return the last numbers of a county's leaves and checkpoints, as they lie."""
    leaf = db.session.scalar(select(func.max(SealLeaf.seq)).where(SealLeaf.county == county))
    point = db.session.scalar(select(func.max(SealCheckpoint.seq)).where(SealCheckpoint.county == county))
    return int(leaf or 0), int(point or 0)


# --- what has changed ---
def changed(county: str, after: str, size: int) -> list[Change]:
    """Return the next cases by number whose head is not that of their newest leaf.

    Heads are compared, never times or numbers: on PostgreSQL what was begun earlier may be committed later.
    """
    sealed = and_(SealedCase.county == CaseRow.county, SealedCase.case == CaseRow.number)
    query = select(CaseRow.number, CaseRow.seq, CaseRow.head, func.coalesce(SealedCase.entry, 0))
    query = query.outerjoin(SealedCase, sealed).where(CaseRow.county == county, CaseRow.number > after)
    differs = or_(SealedCase.entry.is_(None), SealedCase.entry != CaseRow.seq, SealedCase.head != CaseRow.head)
    return [Change(*row) for row in present().execute(query.where(differs).order_by(CaseRow.number).limit(size))]


def ledger_change(county: str) -> Change | None:
    """Return the head of the access ledger when it has none or another one in its newest leaf."""
    sealed = and_(SealedCase.county == LedgerHead.county, SealedCase.case == LEDGER)
    query = select(LedgerHead.seq, LedgerHead.head, func.coalesce(SealedCase.entry, 0), SealedCase.head)
    query = query.outerjoin(SealedCase, sealed).where(LedgerHead.county == county, LedgerHead.head != GENESIS)
    row = present().execute(query).one_or_none()
    if row is None or tuple(row[:2]) == (row[2], row[3]):
        return None
    return Change(LEDGER, *row[:3])


# --- the log ---
def append(county: str, size: int, changes: Sequence[Change], now: datetime) -> int:
    """Append a leaf for each change to a log of ``size`` leaves; return its new size. The caller holds the lock."""
    leaves = [Leaf(county, change.case, change.entry, change.head, utc_text(now)) for change in changes]
    texts = [leaf.text for leaf in leaves]
    hashes = [leaf_hash(text.encode()) for text in texts]
    nodes = grown(size, hashes, reader(county))
    rows = enumerate(zip(leaves, texts, hashes, strict=True), start=size + 1)
    insert_rows(SealLeaf, LEAF_COLUMNS, ((county, n, f.case, f.seq, t, h.hex()) for n, (f, t, h) in rows))
    insert_rows(SealNode, NODE_COLUMNS, ((county, level, position + 1, h.hex()) for level, position, h in nodes))
    _note_heads(county, size, changes)
    return size + len(changes)


def _note_heads(county: str, size: int, changes: Sequence[Change]) -> None:
    rows = [(county, c.case, c.entry, c.head, n) for n, c in enumerate(changes, start=size + 1)]
    if not rows:
        return
    if is_sqlite():
        present().exec_driver_sql(ON_SQLITE, rows)
    else:
        present().exec_driver_sql(ON_POSTGRESQL, tuple(map(list, zip(*rows, strict=True))))


def reader(county: str) -> ReadTile:
    """Return what reads the tiles of a county's tree."""

    def read(level: int, number: int) -> list[bytes]:
        model = SealNode if level else SealLeaf
        query = select(model.hash).where(model.county == county)
        query = query.where(model.seq > number * WIDTH, model.seq <= (number + 1) * WIDTH).order_by(model.seq)
        query = query.where(SealNode.level == level) if level else query
        return [bytes.fromhex(found) for found in present().execute(query).scalars()]

    return read


def tree(county: str, size: int) -> Tree:
    """Return the tree over the first leaves of a county's log."""
    return Tree(size, reader(county))


# --- leaves ---
def leaf_under(county: str, case: str, size: int) -> SealLeaf | None:
    """Return the newest leaf of a case among the first ``size`` leaves of a county's log."""
    query = select(SealLeaf).where(SealLeaf.county == county, SealLeaf.case == case, SealLeaf.seq <= size)
    return db.session.scalars(query.order_by(SealLeaf.seq.desc()).limit(1)).one_or_none()


def leaves_under(county: str, cases: Sequence[str], size: int) -> Rows:
    """Return the newest leaf of each of some cases among the first ``size`` leaves, by case."""
    newest = select(func.max(SealLeaf.seq)).where(SealLeaf.county == county, SealLeaf.seq <= size)
    newest = newest.where(SealLeaf.case.in_(list(cases))).group_by(SealLeaf.case)
    query = select(SealLeaf).where(SealLeaf.county == county, SealLeaf.seq.in_(newest))
    return db.session.scalars(query.order_by(SealLeaf.case)).all()


def entries_since(county: str, case: str, entry: int) -> int:
    """Return how many entries a chain has got after one of them."""
    query = select(CaseRow.seq).where(CaseRow.county == county, CaseRow.number == case)
    if case == LEDGER:
        query = select(LedgerHead.seq).where(LedgerHead.county == county)
    return int(db.session.scalar(query) or 0) - entry


def leaves_after(county: str, after: int, size: int) -> Rows:
    """Return the next leaves with the hash that the entry which they stand for has, None where there is none."""
    entry = and_(
        JournalRow.county == SealLeaf.county, JournalRow.case == SealLeaf.case, JournalRow.seq == SealLeaf.entry
    )
    line = and_(AccessRow.county == SealLeaf.county, AccessRow.seq == SealLeaf.entry, SealLeaf.case == LEDGER)
    columns = (SealLeaf.seq, SealLeaf.case, SealLeaf.entry, SealLeaf.text, SealLeaf.hash)
    query = select(*columns, func.coalesce(JournalRow.hash, AccessRow.hash).label("sealed"))
    query = query.select_from(SealLeaf).outerjoin(JournalRow, entry).outerjoin(AccessRow, line)
    query = query.where(SealLeaf.county == county, SealLeaf.seq > after)
    return db.session.execute(query.order_by(SealLeaf.seq).limit(size)).all()


def sealed_differing(county: str, most: int) -> list[str]:
    """Return cases whose noted newest leaf is none of theirs or not the newest, so that a change might go unsealed."""
    same_leaf = and_(
        SealLeaf.county == SealedCase.county,
        SealLeaf.seq == SealedCase.leaf,
        SealLeaf.case == SealedCase.case,
        SealLeaf.entry == SealedCase.entry,
    )
    foreign = select(SealedCase.case).outerjoin(SealLeaf, same_leaf)
    foreign = foreign.where(SealedCase.county == county, SealLeaf.seq.is_(None)).limit(most)
    same_case = and_(SealedCase.county == SealLeaf.county, SealedCase.case == SealLeaf.case)
    later = select(SealLeaf.case).outerjoin(SealedCase, same_case).where(SealLeaf.county == county)
    later = later.where(or_(SealedCase.case.is_(None), SealLeaf.seq > SealedCase.leaf)).distinct().limit(most)
    return sorted({*db.session.scalars(foreign), *db.session.scalars(later)})


def nodes_of(county: str, level: int, after: int, size: int) -> list[str]:
    """Return the next hashes of a level of tiles, in order."""
    query = select(SealNode.hash).where(SealNode.county == county, SealNode.level == level, SealNode.seq > after)
    return list(db.session.scalars(query.order_by(SealNode.seq).limit(size)))


def node_levels(county: str) -> dict[int, int]:
    """Return how many nodes each level of tiles has."""
    query = select(SealNode.level, func.count()).where(SealNode.county == county).group_by(SealNode.level)
    return {row[0]: row[1] for row in db.session.execute(query)}


# --- checkpoints ---
def add_checkpoint(values: dict[str, Any]) -> None:
    """Keep a checkpoint; the caller holds the lock."""
    run(insert(table(SealCheckpoint)), values)


def newest_checkpoint(county: str) -> SealCheckpoint | None:
    """Return the newest checkpoint of a county."""
    query = select(SealCheckpoint).where(SealCheckpoint.county == county)
    return db.session.scalars(query.order_by(SealCheckpoint.seq.desc()).limit(1)).one_or_none()


def first_checkpoint(county: str, era: int, size: int) -> SealCheckpoint | None:
    """Return the first checkpoint of a log that has so many leaves."""
    query = select(SealCheckpoint).where(SealCheckpoint.county == county, SealCheckpoint.era == era)
    return db.session.scalars(query.where(SealCheckpoint.size >= size).order_by(SealCheckpoint.seq).limit(1)).first()


def checkpoints_around(county: str, at: str) -> list[SealCheckpoint]:
    """Return the first checkpoint after a moment and the last one up to it, as far as there are such."""
    mine = select(SealCheckpoint).where(SealCheckpoint.county == county)
    after = mine.where(SealCheckpoint.at > at).order_by(SealCheckpoint.seq)
    before = mine.where(SealCheckpoint.at <= at).order_by(SealCheckpoint.seq.desc())
    found = (db.session.scalars(query.limit(1)).first() for query in (after, before))
    return [row for row in found if row is not None]


def checkpoint(county: str, seq: int) -> SealCheckpoint | None:
    """Return a checkpoint by its number."""
    return db.session.get(SealCheckpoint, (county, seq))


def checkpoints_before(counties: Iterable[str], before: tuple[str, str, int] | None, limit: int) -> Rows:
    """Return checkpoints of some counties, the newest first, those before (time, county, number)."""
    query = select(SealCheckpoint).where(SealCheckpoint.county.in_(list(counties)))
    order = (SealCheckpoint.at, SealCheckpoint.county, SealCheckpoint.seq)
    if before:
        at, county, seq = before
        query = query.where(
            or_(
                SealCheckpoint.at < at,
                and_(SealCheckpoint.at == at, SealCheckpoint.county < county),
                and_(SealCheckpoint.at == at, SealCheckpoint.county == county, SealCheckpoint.seq < seq),
            )
        )
    return db.session.scalars(query.order_by(*(column.desc() for column in order)).limit(limit)).all()


def checkpoints_after(county: str, after: int, size: int) -> Rows:
    """Return the next checkpoints of a county by number."""
    query = select(SealCheckpoint).where(SealCheckpoint.county == county, SealCheckpoint.seq > after)
    return db.session.scalars(query.order_by(SealCheckpoint.seq).limit(size)).all()
