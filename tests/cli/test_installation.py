"""Setting up: once, with clear words when something is missing, and the commands around it."""

import sqlite3
from pathlib import Path

import pytest

from app.calendar_build import write_calendar
from app.keys import make_keys
from app.store import schema
from tests import postgres
from tests.cli.conftest import Machine, environment
from tests.migration.databases import run
from tests.world import id_number
from workflows.calendars import DEFAULT_CALENDAR


def test_init_makes_keys_schema_county_and_administrator(bare: Machine) -> None:
    said = bare.init("500241", "500230").output
    assert "500241-xiushan" in said
    assert "500230-fengdu" in said
    secrets = bare.folder / "data" / "secrets.json"
    assert secrets.stat().st_mode & 0o777 == 0o600
    listed = bare.run("user", "list").output
    assert "guan" in listed
    assert "系统管理员@500241000000" in listed
    assert "系统管理员@500230000000" in listed


def test_init_refuses_to_run_twice(bare: Machine) -> None:
    bare.init()
    before = (bare.folder / "data" / "secrets.json").read_bytes()
    arguments = ["init", "--county", "500241", "--admin", "zwei", "--name", "x", "--password-file", bare.password()]
    assert "不能重复建立" in bare.fails(*arguments, reason="already_set_up")
    assert (bare.folder / "data" / "secrets.json").read_bytes() == before
    assert "zwei" not in bare.run("user", "list").output


def test_init_does_not_make_new_keys_beside_an_old_database(bare: Machine) -> None:
    bare.init()
    (bare.folder / "data" / "secrets.json").unlink()
    arguments = ["init", "--county", "500241", "--admin", "guan", "--name", "x", "--password-file", bare.password()]
    bare.fails(*arguments, reason="keys_lost")
    assert not (bare.folder / "data" / "secrets.json").exists()


def test_init_goes_on_where_it_broke_off(bare: Machine) -> None:
    make_keys(bare.folder / "data" / "secrets.json")
    before = (bare.folder / "data" / "secrets.json").read_bytes()
    bare.init()
    assert (bare.folder / "data" / "secrets.json").read_bytes() == before


@pytest.mark.parametrize("county", ["50024", "5002410", "50024x", "500200"])
def test_init_wants_a_county(bare: Machine, county: str) -> None:
    arguments = ["init", "--county", county, "--admin", "guan", "--name", "x", "--password-file", bare.password()]
    assert county in bare.fails(*arguments, reason="bad_value")
    assert not (bare.folder / "data").exists()


def test_init_wants_a_long_password_and_does_not_show_it(bare: Machine) -> None:
    path = bare.folder / "short"
    path.write_text("kurz123")
    arguments = ["init", "--county", "500241", "--admin", "guan", "--name", "x", "--password-file", path]
    said = bare.fails(*arguments, reason="bad_value")
    assert "kurz123" not in said
    assert "10 至" in said


def test_the_password_may_come_from_the_environment_or_from_a_pipe(bare: Machine) -> None:
    bare.environ["FANGPIN_ADMIN_PASSWORD"] = "from the environment"
    bare.run("init", "--county", "500241", "--admin", "guan", "--name", "测试")
    bare.run(
        "user", "add", "zweite", "--name", "测试", "--office", "auditor@500241", "--password-file", "-", "--as", "guan",
        given="a piped password\n",
    )  # fmt: skip


def test_the_first_administrator_is_known_by_their_id_number(bare: Machine) -> None:
    """So nobody gives himself a signing office by way of a second account."""
    bare.init()
    assert "[not_allowed]" in bare.add("ich", "county_lead@500241", number=id_number("guan"), code=1).stderr
    bare.add("andere", "county_lead@500241", number=id_number("andere"))


@pytest.mark.parametrize("number", ["", "999999195001010011", "kein"])
def test_init_wants_a_right_id_number_and_does_not_show_it(bare: Machine, number: str) -> None:
    file = bare.number(number)
    arguments = ["--county", "500241", "--admin", "guan", "--name", "x", "--password-file", bare.password()]
    line = bare.fails("init", *arguments, "--id-number-file", file, reason="bad_value")
    assert not number or number not in line
    assert "校验码" in line
    assert not (bare.folder / "data").exists()


def test_without_an_id_number_or_a_terminal_nothing_is_asked(bare: Machine) -> None:
    del bare.environ["FANGPIN_ADMIN_ID_NUMBER"]
    arguments = ["--county", "500241", "--admin", "guan", "--name", "x", "--password-file", bare.password()]
    line = bare.fails("init", *arguments, reason="no_id_number", code=2)
    assert "FANGPIN_ADMIN_ID_NUMBER" in line
    assert "--id-number-file" in line


def test_an_id_number_is_asked_for_unseen(bare: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    del bare.environ["FANGPIN_ADMIN_ID_NUMBER"]
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    arguments = ["--county", "500241", "--admin", "guan", "--name", "x", "--password-file", bare.password()]
    said = bare.run("init", *arguments, given=f"{id_number('guan')}\n").output
    assert "身份证号码（不显示）" in said
    assert id_number("guan") not in said


def test_a_password_is_asked_for_twice_in_the_language_of_the_command(
    bare: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    arguments = ["--county", "500241", "--admin", "guan", "--name", "x"]
    said = bare.run("init", *arguments, given="a long password\na long password\n").output
    assert "再输入一次" in said
    assert "Repeat" not in said


def test_without_a_password_or_a_terminal_nothing_is_asked(bare: Machine) -> None:
    bare.fails("init", "--county", "500241", "--admin", "guan", "--name", "x", reason="no_password", code=2)
    assert "--county" in bare.run("init", code=2).stderr


def test_a_county_without_pack_and_divisions_is_told_what_to_do(bare: Machine) -> None:
    said = bare.init("110101").output
    assert "fangpin import areas" in said
    assert "FANGPIN_POLICIES" in said


def test_before_init_every_command_says_so(bare: Machine) -> None:
    for arguments in (["check"], ["user", "list"], ["upgrade"], ["case", "show", "x", "--as", "y"], ["serve"]):
        assert "fangpin init" in bare.fails(*arguments, reason="not_set_up")


def test_an_older_database_is_refused_until_upgraded(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    machine = Machine({"FANGPIN_DATA": str(folder), "LANG": "C"}, tmp_path)
    make_keys(folder / "secrets.json")
    sqlite3.connect(folder / "fangpin.sqlite3").close()
    assert "fangpin init" in machine.fails("check", reason="wrong_schema")
    machine.run("upgrade")
    machine.run("check")


def test_an_upgrade_that_data_block_says_which_in_one_line(tmp_path: Path) -> None:
    machine = Machine({**environment("", tmp_path), "LANG": "C"}, tmp_path)
    machine.init()
    url = f"sqlite:///{tmp_path / 'data' / 'fangpin.sqlite3'}"
    schema.downgrade(url, "0001")
    run(url, "INSERT INTO users SELECT 7, 'Guan', name, 'p', county, 'x', active, lang, created_at FROM users")
    assert "'guan' = 7 'Guan'" in machine.fails("upgrade", reason="upgrade_blocked")
    run(url, "UPDATE users SET username = 'Guan2' WHERE id = 7")
    machine.run("upgrade")
    assert "guan2" in machine.run("user", "list").output


def test_a_wrong_setting_is_named(bare: Machine) -> None:
    bare.environ["FANGPIN_POLICIES"] = "/nowhere"
    assert "FANGPIN_POLICIES" in bare.fails("check", reason="bad_setting")


def test_a_pack_with_an_error_stops_with_file_and_reason(bare: Machine, tmp_path: Path) -> None:
    bare.init()
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "500241-bad.toml").write_text('format = "fp-pack-v1"\nid = "broken"\n')
    bare.environ["FANGPIN_POLICIES"] = str(tmp_path / "packs")
    assert "500241-bad" in bare.fails("check", reason="bad_rules")


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_pack_with_an_error_stops_init_and_nothing_stays(bare: Machine, tmp_path: Path) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "500241-bad.toml").write_text('format = "fp-pack-v1"\nid = "broken"\n')
    bare.environ["FANGPIN_POLICIES"] = str(tmp_path / "packs")
    bare.environ["FANGPIN_DATABASE_URL"] = ""
    arguments = ["--county", "500241", "--admin", "guan", "--name", "x", "--password-file", bare.password()]
    assert "500241-bad" in bare.fails("init", *arguments, reason="bad_rules")
    assert not (bare.folder / "data").exists()
    del bare.environ["FANGPIN_POLICIES"]
    bare.init()


def test_an_unreachable_database_is_one_line(bare: Machine) -> None:
    make_keys(bare.folder / "data" / "secrets.json")
    bare.environ["FANGPIN_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
    bare.fails("check", reason="database")


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_a_database_that_cannot_hold_chinese_is_refused_before_there_are_keys(bare: Machine, encoding: str) -> None:
    bare.environ["FANGPIN_DATABASE_URL"] = url = postgres.new_database(encoding=encoding)
    arguments = ["--county", "500241", "--admin", "guan", "--name", "x", "--password-file", bare.password()]
    assert encoding in bare.fails("init", *arguments, reason="wrong_encoding")
    assert not (bare.folder / "data").exists()
    postgres.drop_database(url)


def test_the_calendar_is_as_the_package_has_it() -> None:
    assert DEFAULT_CALENDAR.exists()
    assert write_calendar() is False


def test_the_scheduler_tells_its_options(bare: Machine) -> None:
    assert "--once" in bare.run("scheduler", "--help").output
    bare.run("scheduler", "--bogus", code=2)


def test_help_names_the_exit_codes(bare: Machine) -> None:
    said = bare.run("--help").output
    assert "exit codes" in said
    for command in (
        "init",
        "serve",
        "scheduler",
        "demo",
        "upgrade",
        "check",
        "import",
        "case",
        "trail",
        "verify",
        "user",
    ):
        assert command in said


def test_english_when_asked(bare: Machine) -> None:
    line = bare.fails("--lang", "en", "check", reason="not_set_up")
    assert line.startswith("error[not_set_up]: Nothing is set up")


@pytest.mark.parametrize(
    ("value", "lang"), [("en_US.UTF-8", "en"), ("zh_CN.UTF-8", "zh"), ("C.UTF-8", "zh"), ("", "zh")]
)
def test_the_language_of_the_environment(monkeypatch: pytest.MonkeyPatch, value: str, lang: str) -> None:
    from app.cli.console import language

    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", value)
    assert language() == lang
