"""Messages to deliver after commit: written with the command, delivered apart."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import insert

from app.tables import OutboxRow, db
from workflows.clock import utc_text
from workflows.model import Message


def add_messages(county: str, messages: Iterable[Message], command_key: str, now: datetime) -> None:
    """Leave messages in the outbox; the keys make each of them one, however often it is tried."""
    for index, message in enumerate(messages):
        db.session.execute(
            insert(OutboxRow).values(
                county=county,
                key=f"{command_key}:{index}",
                body=_body(message),
                created_at=utc_text(now),
                tries=0,
            )
        )


def _body(message: Message) -> dict[str, object]:
    return {
        "case": message.case,
        "word": message.key,
        "roles": list(message.roles),
        "person": message.person,
        "params": dict(message.params),
    }
