"""A leaver's open work goes to somebody else: the real command for each household, by somebody who may give it.

An administrator may not: who helps a household is a decision of township, county or village, with reason and note.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.services import cases, evidence
from app.services.lists import scope_of
from app.services.rights import can_see
from app.store import handover as store
from app.store.transaction import reading
from workflows.errors import BadValue, Refused
from workflows.model import Actor, Evidence

ACTION, NOTE = "change_helper", "assignment_note"
# Who may change a helper, as the definition of help says; the pages and the API are for them.
GIVERS = frozenset({"village_cadre", "township_officer", "township_leader", "county_lead"})


@dataclass(frozen=True)
class Giver:
    """Somebody who helps households that one sees: account ("u7"), name, whether it is active, how many."""

    account: str
    name: str
    active: bool
    count: int


@dataclass(frozen=True)
class Handed:
    """What became of each case: changed (or already so under this key), or refused and why."""

    done: Sequence[str]
    refused: Sequence[tuple[str, Refused]]


def open_work(account: str) -> list[str]:
    """Return the cases in which an account ("u7") is the present helper."""
    with reading():
        return [case for case, _ in store.helped(_number(account))]


def mine(actor: Actor, account: str) -> list[str]:
    """Return those of them that lie where the actor sees households."""
    with reading():
        return [case for case, area in store.helped(_number(account)) if can_see(actor, area)]


def givers(actor: Actor) -> list[Giver]:
    """Return all who help households that the actor sees; disabled accounts first, as nobody helps there any more."""
    with reading():
        rows = store.helpers(scope_of(actor))
    return [Giver(f"u{number}", name, active, count) for number, name, active, count in rows]


def _number(account: str) -> int:
    if not (account[:1] == "u" and account[1:].isascii() and account[1:].isdigit() and len(account) <= 13):
        raise BadValue(field="helper", value=account[:20])
    return int(account[1:])


def take_note(actor: Actor, numbers: Sequence[str], data: bytes) -> list[Evidence]:
    """Keep the note of assignment in each county concerned; raises BadFile. Its digest is the same everywhere."""
    counties = sorted({number[:6] for number in numbers})
    return [evidence.take_in(actor, county=county, kind=NOTE, data=data) for county in counties][:1]


def hand_over(actor: Actor, giver: str, taker: str, *, reason: str, evidence: Sequence[Evidence], key: str) -> Handed:
    """Change the helper of each household that ``giver`` helps where the actor sees; one transaction a household.

    What is refused is reported and stops nothing; the same key again does only what was not done.
    """
    data = {"helper": taker, "reason": reason}
    done: list[str] = []
    refused: list[tuple[str, Refused]] = []
    for case in mine(actor, giver):
        try:
            cases.act(actor, case=case, action=ACTION, data=data, evidence=evidence, key=f"{key}-{case}")
            done.append(case)
        except Refused as refusal:
            refused.append((case, refusal))
    return Handed(done, refused)
