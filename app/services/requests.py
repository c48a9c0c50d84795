"""Commands of the API that are no case's: carried out once a key, the answer kept for whoever asks again."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.runtime import runtime
from app.services.cases import KEY
from app.store import tokens as store
from app.store import webhooks
from app.store.transaction import reading, writing
from workflows.clock import utc_text
from workflows.errors import KeyMissing, KeyPending, KeyReused, Refused

ANSWERS_KEPT, DELIVERIES_KEPT = timedelta(days=7), timedelta(days=30)


@dataclass(frozen=True)
class Answer:
    """What a command answered: HTTP status and body, and whether the same key was answered before."""

    status: int
    body: Mapping[str, Any]
    repeated: bool


def ensure_key(key: str) -> str:
    """Return an idempotency key, or raise KeyMissing."""
    if not KEY.fullmatch(key):
        raise KeyMissing()
    return key


def once(user_id: int, key: str, digest: str, do: Callable[[], tuple[int, Mapping[str, Any]]]) -> Answer:
    """Carry a command out unless its key was used; ``secret`` stays out of what is kept, so it is shown once only.

    Raises KeyReused (another command had the key), KeyPending (nobody knows whether the first one was done), and what
    the command raises: a refusal gives the key back, as nothing was done.
    """
    ensure_key(key)
    # Keyed, as a plain digest of a short body would let whoever reads the table guess a password or an ID number.
    digest = runtime().keys.person_key(f"api-command:{digest}")
    with writing() as now:
        is_mine = store.claim(user_id, key, digest, now)
    if not is_mine:
        return _earlier(user_id, key, digest)
    try:
        status, body = do()
    except Refused:
        with writing():
            store.release(user_id, key)
        raise
    kept = {name: value for name, value in body.items() if name != "secret"}
    with writing():
        store.answer(user_id, key, status, json.dumps(kept, ensure_ascii=False))
    return Answer(status, body, repeated=False)


def tidy() -> dict[str, int]:
    """Remove answers kept for a week and deliveries that ended a month ago; return how many of each."""
    with writing() as now:
        return {
            "commands": store.forget_commands(utc_text(now - ANSWERS_KEPT)),
            "deliveries": webhooks.forget(utc_text(now - DELIVERIES_KEPT)),
        }


def _earlier(user_id: int, key: str, digest: str) -> Answer:
    with reading():
        row = store.command(user_id, key)
        if row is None or row.status is None:
            raise KeyPending()
        if row.digest != digest:
            raise KeyReused(key=key)
        return Answer(row.status, json.loads(row.body or "{}"), repeated=True)
