"""A machine with the command line on it: folder, database, injected clock; commands run in process."""

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from PIL import Image

from app import create_app
from app.cli import cli
from app.cli.console import Console
from app.config import read_settings
from app.services.setup import close
from tests import postgres
from tests.world import id_number
from workflows.registry import load_rules

PASSWORD = "correct horse battery"
SAMPLES = Path(__file__).parents[2] / "app" / "data" / "samples"
VILLAGE = "500241103204"
OFFICES = {
    "wangge": f"grid_member@{VILLAGE}001",
    "cun": f"village_cadre@{VILLAGE}",
    "dui": f"resident_team@{VILLAGE}",
    "xiang": "township_officer@500241103",
    "zhen": "township_leader@500241103",
    "xian": "county_lead@500241",
    "bu": "sector_dept@500241",
    "bang": "helper@500241",
    "shen": "auditor@500241",
}


@dataclass
class Machine:
    """Runs commands as somebody at a terminal would."""

    environ: dict[str, str]
    folder: Path
    now: datetime = field(default=datetime(2026, 3, 2, 2, 0, tzinfo=UTC))

    def run(self, *arguments: object, code: int = 0, lang: str = "", given: str | None = None) -> Result:
        """Run one command and check its exit code; nothing ever ends in a traceback."""
        console = Console(lang=lang or "zh", clock=lambda: self.now)
        texts = [str(argument) for argument in arguments]
        result = CliRunner().invoke(cli, texts, obj=console, env=self.environ, input=given)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    def fails(self, *arguments: object, reason: str, code: int = 1, lang: str = "") -> str:
        """Run a command that must fail with one line and a stable code; return that line."""
        result = self.run(*arguments, code=code, lang=lang)
        line = result.stderr.strip().splitlines()
        assert len(line) == 1, result.output
        assert f"[{reason}]" in line[0]
        return line[0]

    def init(self, *counties: str) -> Result:
        """Set the machine up with the first administrator ``guan``."""
        chosen = [word for county in counties or ("500241",) for word in ("--county", county)]
        return self.run("init", *chosen, "--admin", "guan", "--name", "测试管理员", "--password-file", self.password())

    def password(self) -> Path:
        """A file that holds the password."""
        path = self.folder / "password"
        path.write_text(f"{PASSWORD}\n", encoding="utf-8")
        return path

    def people(self) -> None:
        """Add one account for each office."""
        grid = self.folder / "grid.csv"
        grid.write_text(f"code,name,level,parent_code\n{VILLAGE}001,第一网格,grid,{VILLAGE}\n", encoding="utf-8")
        self.run("import", "areas", grid)
        for name, office in OFFICES.items():
            self.add(name, office)

    def add(self, name: str, *offices: str, code: int = 0, number: str | None = None) -> Result:
        """Add an account as the first administrator; ``number`` "" is none, and None one of its own."""
        words = [word for office in offices for word in ("--office", office)]
        if number != "":
            words += ["--id-number-file", str(self.number(number or id_number(name)))]
        return self.run(
            "user", "add", name, "--name", f"测试{name}", *words, "--password-file", self.password(), "--as", "guan",
            code=code,
        )  # fmt: skip

    def number(self, number: str) -> Path:
        """A file that holds an ID number."""
        path = self.folder / "number"
        path.write_text(f"{number}\n", encoding="utf-8")
        return path

    def roster(self) -> None:
        """Import the sample roster of the county and file one household under the grid."""
        self.run("import", "households", SAMPLES / "roster-500241.xlsx", "--as", "xian")
        self.run("grid", "assign", VILLAGE, f"{VILLAGE}001", "--household", "500241H0000001", "--as", "xian")

    def picture(self, name: str = "photo") -> Path:
        """A small real picture."""
        path = self.folder / f"{name}.jpg"
        shade = sum(name.encode()) % 256
        out = io.BytesIO()
        Image.new("RGB", (48, 32), (shade, 90, 255 - shade)).save(out, "JPEG")
        path.write_bytes(out.getvalue())
        return path

    @contextmanager
    def application(self) -> Iterator[Flask]:
        """The application behind the commands, to look at the database."""
        app = create_app(read_settings(self.environ), clock=lambda: self.now)
        with app.app_context():
            try:
                yield app
            finally:
                close(app)


def environment(url: str, folder: Path) -> dict[str, str]:
    """The environment of the commands."""
    return {
        "FANGPIN_DATA": str(folder / "data"),
        "FANGPIN_DATABASE_URL": url,
        "FANGPIN_ADMIN_ID_NUMBER": id_number("guan"),
        "LANG": "C.UTF-8",
    }


@pytest.fixture(autouse=True, scope="session")
def _rules_loaded_once() -> Iterator[None]:
    """Each command loads the rules; the tests run hundreds of commands on the same ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.load_rules", cache(load_rules))
        yield


@pytest.fixture
def bare(migrated_url: str, tmp_path: Path) -> Machine:
    """A machine with a database and nothing set up."""
    folder = tmp_path / "home"
    folder.mkdir()
    return Machine(environment(migrated_url, folder), folder)


def build(url: str, folder: Path) -> None:
    """Set a machine up for Xiushan with one account an office and the sample roster."""
    folder.mkdir(exist_ok=True)
    machine = Machine(environment(url, folder), folder)
    machine.init()
    machine.people()
    machine.roster()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Build it once for each engine; tests work on copies."""
    made: dict[str, Path] = {}

    def folder_of(engine: str) -> Path:
        if engine not in made:
            folder = made[engine] = tmp_path_factory.mktemp(f"machine-{engine}")
            if engine == "sqlite":
                build(f"sqlite:///{folder / 'fangpin.db'}", folder)
            else:
                postgres.ensure_template("machine", partial(build, folder=folder))
        return made[engine]

    return folder_of


@pytest.fixture
def machine(engine_name: str, tmp_path: Path, built: Callable[[str], Path]) -> Iterator[Machine]:
    """A copy of a machine that was set up: database, keys and files."""
    folder = tmp_path / "copy"
    shutil.copytree(built(engine_name), folder)
    if engine_name == "sqlite":
        yield Machine(environment(f"sqlite:///{folder / 'fangpin.db'}", folder), folder)
        return
    url = postgres.new_database(postgres.ensure_template("machine", lambda _: None))
    yield Machine(environment(url, folder), folder)
    postgres.drop_database(url)
