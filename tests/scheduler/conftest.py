"""A world on each engine, inside its application context."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.tables import db
from tests.world import World


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """An empty installation; the test runs once for each engine."""
    one = World(database_url, tmp_path)
    with one.app.app_context():
        db.create_all()
        yield one
    one.close()
