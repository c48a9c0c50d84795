"""One honest trail, printed once for all tests of this folder."""

import pytest

from reports.render import render_trail
from tests.print import trails


@pytest.fixture(scope="session")
def honest() -> str:
    return trails.honest()


@pytest.fixture(scope="session")
def printed(honest: str) -> bytes:
    return render_trail(honest)
