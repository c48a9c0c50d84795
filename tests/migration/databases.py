"""Small tools for tests that look at a database from outside."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import NullPool

from app.store.transaction import prepare_engine


@contextmanager
def opened(url: str) -> Iterator[sa.Engine]:
    """An engine as the application prepares it, disposed of at the end."""
    engine = sa.create_engine(url, poolclass=NullPool)
    prepare_engine(engine)
    try:
        yield engine
    finally:
        engine.dispose()


def run(url: str, *statements: str) -> None:
    """Run statements in one transaction and commit it."""
    with opened(url) as engine, engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    """Return what a query finds."""
    with opened(url) as engine, engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]
