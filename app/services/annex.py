"""The annex of a household's trail (fp-annex-v1), up to the ledger's leaf in the checkpoint that the print carries.

So it stays the same as long as that checkpoint does: what came later stands in a later print.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from app.store import annexes as store
from app.store import ledger, receipts
from app.store.lists import parse_json, user_names
from app.tables import Reminder
from workflows.annexes import FORMAT, KINDS, MOST
from workflows.errors import BrokenChain
from workflows.journal import canonical, digest
from workflows.leaves import LEDGER, read_leaf

Proof = Mapping[str, Any]


def annex_text(county: str, household: str, cases: Sequence[str], files: Collection[str], proof: Proof) -> str:
    """Return the annex of a household, inside a transaction; raise BrokenChain when a line is not what was sealed.

    ``files`` are the digests of its evidence; ``proof`` leads from the ledger's leaf to the print's checkpoint.
    """
    leaf = read_leaf(proof["leaf"])
    lines = noted_lines(county, {household, *cases, *files}, leaf.seq)
    if ledger.hash_of(county, leaf.seq) != leaf.head or not all(map(_is_sealed, lines)):
        raise BrokenChain(case=f"{county} {LEDGER}")
    reminders = store.reminders_of(county, cases, leaf.at, MOST)
    came = receipts.deliveries(one.id for one in reminders)
    shown = lines[-MOST:]
    users = [str(parse_json(line.text)["user"]) for line in shown] + [f"u{one.user_id}" for one in reminders]
    body = {
        "format": FORMAT,
        "county": county,
        "household": household,
        "proof": dict(proof),
        "lines": [{"seq": line.seq, "hash": line.hash, "text": line.text} for line in shown],
        "left_out": len(lines) - len(shown),
        "reminders": [_reminder(one, came.get(one.id, ()), leaf.at) for one in reminders],
        "people": _names(users),
    }
    return canonical(body)


def noted_lines(county: str, subjects: Collection[str], last: int) -> list[Any]:
    """Return the lines (seq, hash, text) that an annex holds of some subjects, up to a number, as they lie."""
    return [line for line in store.lines_on(county, subjects, last) if _kind_of(line) in KINDS]


def _kind_of(line: Any) -> str:
    """The kind of a line; what is no line any more counts as a refusal, so that it is found and not passed over."""
    try:
        return str(parse_json(line.text)["kind"])
    except (ValueError, KeyError):
        return "refused"


def _is_sealed(line: Any) -> bool:
    return bool(digest(line.text) == line.hash and parse_json(line.text)["seq"] == line.seq)


def _reminder(one: Reminder, came: Iterable[tuple[str, str]], until: str) -> dict[str, Any]:
    """A reminder as it stood at a moment: what became of it later is not told yet."""

    def by_then(at: str | None) -> str:
        return at if at and at <= until else ""

    answered = by_then(one.answered_at)
    told = {name: str(one.params.get(name, "")) for name in ("timer", "state", "due")}
    return {
        "id": one.id,
        "case": one.case,
        "user": f"u{one.user_id}",
        "word": one.word,
        **told,
        "sent": one.sent_at,
        "came": [[channel, at] for channel, at in came if at <= until],
        "read": by_then(one.read_at),
        "answered": answered,
        "answer": one.answer if answered and one.answer else "",
        "escalated": by_then(one.escalated_at),
    }


def _names(users: Iterable[str]) -> dict[str, str]:
    """The names of accounts by id, as they are now; the operator of the machine and the system have none."""
    numbers = {int(user[1:]) for user in users if user[:1] == "u" and user[1:].isdigit()}
    return {f"u{number}": name for number, name in user_names(numbers).items()}
