"""A world on each engine, inside its application context."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.tables import db
from tests.world import World


@pytest.fixture
def world(migrated_url: str, tmp_path: Path) -> Iterator[World]:
    """An empty installation; the test runs once for each engine."""
    one = World(migrated_url, tmp_path)
    with one.app.app_context():
        yield one
        db.session.remove()
    one.close()
