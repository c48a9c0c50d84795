"""Make a golden archive of this program's revision: ``python -m tests.migration.golden``, once for each revision.

It holds what an upgrade must not hurt: a case in the middle of its way, running periods, evidence, lines of the
ledger, messages not yet delivered. It is never made anew: later programs must go on from what this one wrote.
"""

import tempfile
from pathlib import Path

from app.config import read_settings
from app.services import backup
from app.store import schema
from tests.cli.conftest import Machine, build, environment
from tests.cli.test_cases import CASE, INCLUDE, clue, walk

FOLDER = Path(__file__).with_name("golden")
PASSPHRASE = "the golden passphrase"
STEPS = 3


def make(folder: Path) -> Path:
    """Walk and back up; return the archive."""
    url = f"sqlite:///{folder / 'fangpin.db'}"
    build(url, folder)
    machine = Machine(environment(url, folder), folder)
    clue(machine)
    walk(machine, CASE, INCLUDE[:STEPS])
    machine.run("case", "show", CASE, "--as", "shen")
    with machine.application():
        target = FOLDER / f"{schema.head()}.tar"
        FOLDER.mkdir(exist_ok=True)
        target.unlink(missing_ok=True)
        settings = read_settings(machine.environ)
        return backup.back_up(settings, target, passphrase=PASSPHRASE, progress=lambda _: None).path


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(make(Path(name)))
