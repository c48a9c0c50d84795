"""What all tables share, and the session. Times are RFC 3339 UTC texts, which sort the same on both engines."""

from typing import Any

from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy import BigInteger, Connection, Engine, Integer, String
from sqlalchemy.orm import DeclarativeBase, registry
from sqlalchemy.types import JSON

BigKey = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """Base of all tables."""

    registry = registry(type_annotation_map={str: String(200), dict[str, Any]: JSON, list[Any]: JSON})


class JoiningSession(Session):
    """Inside a writing transaction the session takes part in it instead of having one of its own.

    Most moves never need the session, and its own way to a transaction costs more than a move's reading (measured).
    """

    joined: Connection | None = None

    def get_bind(self, *args: Any, **more: Any) -> Engine | Connection:
        """Return the connection of the writing transaction, if one is open."""
        return self.joined or super().get_bind(*args, **more)


db = SQLAlchemy(model_class=Base, session_options={"class_": JoiningSession})
