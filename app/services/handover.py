"""A leaver's open work goes to somebody else: the real command for each household, by somebody who may give it.

An administrator may not: who helps a household is a decision of township, county or village, with reason and note.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.services import cases, operators
from app.services.rights import can_see
from app.store import handover as store
from app.store.transaction import reading
from workflows.errors import Refused
from workflows.model import Actor, Evidence

ACTION = "change_helper"


@dataclass(frozen=True)
class Handed:
    """What became of each case: changed (or already so under this key), or refused and why."""

    done: Sequence[str]
    refused: Sequence[tuple[str, Refused]]


def open_work(username: str) -> list[str]:
    """Return the cases in which an account is the present helper; raises NotFound."""
    number = _number(username)
    with reading():
        return [case for case, _ in store.helped(number)]


def mine(actor: Actor, username: str) -> list[str]:
    """Return those of them that lie where the actor sees households."""
    number = _number(username)
    with reading():
        return [case for case, area in store.helped(number) if can_see(actor, area)]


def _number(username: str) -> int:
    return int(operators.account_id(username)[1:])


def hand_over(actor: Actor, giver: str, taker: str, *, reason: str, evidence: Sequence[Evidence], key: str) -> Handed:
    """Change the helper of each household that ``giver`` helps where the actor sees; one transaction a household.

    What is refused is reported and stops nothing; the same key again does only what was not done.
    """
    data = {"helper": operators.account_id(taker), "reason": reason}
    done: list[str] = []
    refused: list[tuple[str, Refused]] = []
    for case in mine(actor, giver):
        try:
            cases.act(actor, case=case, action=ACTION, data=data, evidence=evidence, key=f"{key}-{case}")
            done.append(case)
        except Refused as refusal:
            refused.append((case, refusal))
    return Handed(done, refused)
