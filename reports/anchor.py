"""What a trail is held against: the live chains of the database, or a trail head noted
elsewhere."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from reports.remark import Remark
from reports.trail import Chain, Trail
from workflows import journal
from workflows.clock import parse_utc

NOTED = re.compile(r"[0-9a-f]{16,64}")
# Two cases of one household may be written at the same time; only an entry that is clearly
# older was left out.
SLACK = timedelta(minutes=10)
UNKNOWN = ("unknown_case", "unknown_household")


@dataclass(frozen=True)
class Live:
    """One entry of the live database: the hash of its text and its time (UTC text as in the
    entry)."""

    hash: str
    at: str


Chains = Mapping[str, Sequence[Live]]


@dataclass(frozen=True)
class Anchor:
    """Either ``chains`` (case → live entries in order, all cases of the household; None when no
    database was asked, empty when it knows no such household) or a noted ``head`` (16-64 hex).

    ``lines``: number → hash of the live ledger's lines on the household, up to the end of the print's annex."""

    chains: Chains | None = None
    head: str = ""
    lines: Mapping[int, str] | None = None


@dataclass(frozen=True)
class Held:
    """What holding a trail against an anchor gave."""

    is_anchored: bool
    remarks: tuple[Remark, ...]

    def joined(self, more: Iterable[Remark]) -> "Held":
        """Return the same with more remarks; a grave one anchors nothing."""
        remarks = (*self.remarks, *more)
        return Held(self.is_anchored and not any(r.is_grave for r in remarks), remarks)


def hold(trail: Trail, anchor: Anchor | None) -> Held:
    """Compare a self-consistent trail with an anchor; a grave remark means that they differ."""
    if anchor is None or (anchor.chains is None and not anchor.head):
        return Held(False, (Remark("no_anchor"),))
    remarks: list[Remark] = []
    anchored = True
    if anchor.head:
        held = _hold_head(trail, re.sub(r"\s", "", anchor.head).lower())
        anchored, remarks = held.is_anchored, list(held.remarks)
    if anchor.chains is not None:
        # Live chains hold every entry, so they also settle what a head noted earlier leaves open.
        found = list(_hold_live(trail, anchor.chains))
        anchored = all(remark.code not in UNKNOWN for remark in found)
        remarks += found
    return Held(anchored and not any(r.is_grave for r in remarks), tuple(remarks))


def _hold_head(trail: Trail, noted: str) -> Held:
    if not NOTED.fullmatch(noted):
        return Held(False, (Remark("head_form"),))
    if trail.head.startswith(noted):
        return Held(True, ())
    for at, head in _earlier_heads(trail):
        if head.startswith(noted):
            later = sum(1 for chain in trail.chains for time in _times(chain) if time > at)
            return Held(False, (Remark("noted_head_earlier", detail=str(later)),))
    return Held(False, (Remark("noted_head_differs", detail=noted[:16], is_grave=True),))


def _earlier_heads(trail: Trail) -> Iterator[tuple[str, str]]:
    """The trail heads of the same case after each moment at which something was entered, newest
    first."""
    hashed = [(c.case, _times(c), [journal.digest(text) for text in c.entries]) for c in trail.chains]
    for at in sorted({time for _, times, _ in hashed for time in times}, reverse=True):
        counts = [(case, sum(1 for time in times if time <= at), hashes) for case, times, hashes in hashed]
        yield at, journal.trail_head((case, n, hashes[n - 1]) for case, n, hashes in counts if n)


def _times(chain: Chain) -> list[str]:
    return [str(journal.parse_entry(text)["at"]) for text in chain.entries]


def _hold_live(trail: Trail, chains: Chains) -> Iterator[Remark]:
    if not chains:
        yield Remark("unknown_household", detail=trail.household)
        return
    for chain in trail.chains:
        yield from _hold_chain(chain, chains)
    yield from _left_out(trail, chains)


def _hold_chain(chain: Chain, chains: Chains) -> Iterator[Remark]:
    live = chains.get(chain.case)
    if live is None:
        yield Remark("unknown_case", chain.case)
        return
    for seq, text in enumerate(chain.entries, start=1):
        if seq > len(live):
            yield Remark("longer_than_live", chain.case, seq, is_grave=True)
            return
        if journal.digest(text) != live[seq - 1].hash:
            yield Remark("entry_not_live", chain.case, seq, is_grave=True)
            return
    after = len(live) - len(chain.entries)
    if after:
        yield Remark("came_after", chain.case, detail=str(after))


def _left_out(trail: Trail, chains: Chains) -> Iterator[Remark]:
    """A live entry that is missing although it is older than the newest one printed was taken
    out."""
    newest = max((time for chain in trail.chains for time in _times(chain)), default="")
    printed = {chain.case: len(chain.entries) for chain in trail.chains}
    for case, live in chains.items():
        missing = live[printed.get(case, 0) :]
        if missing and newest and parse_utc(missing[0].at) + SLACK < parse_utc(newest):
            code = "left_out" if case in printed else "chain_left_out"
            yield Remark(code, case, printed.get(case, 0) + 1, is_grave=True)
        elif missing and case not in printed:
            yield Remark("case_after", case)
