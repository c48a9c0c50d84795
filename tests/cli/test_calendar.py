"""The calendar from the command line: shown, checked, imported with a preview and a code, closed days, withdrawn."""

import re
from datetime import UTC, datetime
from pathlib import Path

from tests.cli.conftest import Machine
from tests.cli.test_backup import back_up, empty, secrets_of
from tests.cli.test_cases import CASE, INCLUDE, clue, walk
from tests.rules.notices import MADE_UP
from tests.rules.test_calendar import AMENDMENT

CLOSE = ("--name-zh", "县庆日", "--name-en", "County Day", "--title", "县庆放假通知", "--number", "府办〔2026〕3号",
         "--date", "2026-11-01", "--reason", "县庆", "--as", "xian")  # fmt: skip


def written(machine: Machine, text: str, name: str = "2027.txt") -> Path:
    """A document in a file."""
    path = machine.folder / name
    path.write_text(text, encoding="utf-8")
    return path


def code_in(output: str) -> str:
    """The code that a preview gave."""
    found = re.search(r"--confirm ([0-9a-f]{8})", output)
    assert found, output
    return found[1]


def test_a_year_is_shown_with_names_and_its_notice(machine: Machine) -> None:
    told = machine.run("calendar", "show", "--year", 2026).output
    assert "国办发明电〔2025〕7号" in told
    assert "2026-10-01 周四  放假  国庆节" in told
    assert "2026-10-10 周六  补班（调休上班）  国庆节" in told
    assert "2026-12-29" not in told
    assert "12月29日至31日" in told
    assert "National Day" in machine.run("calendar", "show", "--year", 2026, lang="en").output
    assert "还没有导入" in machine.run("calendar", "show", "--year", 2027).output


def test_a_file_is_checked_and_nothing_kept(machine: Machine) -> None:
    told = machine.run("calendar", "check", written(machine, MADE_UP)).output
    assert "春节: 放假 2027-02-05..2027-02-12  上班 2027-01-31, 2027-02-20" in told
    assert "没有改动任何内容" in told
    broken = MADE_UP.replace("1月1日（周五）", "1月1日（周四）").replace("5月8日（周六）", "5月7日（周五）")
    line = machine.fails("calendar", "check", written(machine, broken), reason="bad_calendar")
    assert "2027.txt: 第4行，元旦：2027-01-01 不是星期四" in line
    assert "补班日 2027-05-07 本来就是工作日" in line
    english = machine.fails("calendar", "check", written(machine, broken), reason="bad_calendar", lang="en")
    assert "2027.txt: line 4, 元旦: 2027-01-01 is no such weekday" in english
    gap = written(machine, MADE_UP.replace("2027", "2038"))
    assert "还缺 2027 年的通知" in machine.fails("calendar", "check", gap, reason="bad_calendar")
    toml = written(machine, AMENDMENT.replace('"2026-10-08"', '"2026-10-08..2026-10-01"'), "more.toml")
    line = machine.fails("calendar", "check", toml, reason="bad_calendar")
    assert "more.toml: 第7行，days[1].off：结束早于开始：2026-10-08..2026-10-01" in line
    assert "还没有导入过" not in machine.run("calendar", "show").output


def test_a_notice_is_imported_by_a_code(machine: Machine) -> None:
    machine.now = datetime(2026, 12, 28, 2, tzinfo=UTC)
    clue(machine)
    walk(machine, CASE, INCLUDE[:3])
    path = written(machine, MADE_UP)
    machine.fails("calendar", "import", path, "--as", "cun", reason="wrong_office")
    told = machine.run("calendar", "import", path, "--as", "xian").output
    assert "个期限的末日会变" in told
    assert "没有改动任何期限" in told
    assert CASE in told
    before = machine.run("case", "show", CASE, "--as", "xian").output
    assert machine.fails("calendar", "import", path, "--as", "xian", "--confirm", "00000000", reason="bad_value")
    assert machine.run("case", "show", CASE, "--as", "xian").output == before
    done = machine.run("calendar", "import", path, "--as", "xian", "--confirm", code_in(told)).output
    assert "已施行" in done
    assert re.search(r"已重算[1-9]件案件的期限，0件没有改动", done)
    assert machine.run("case", "show", CASE, "--as", "xian").output != before
    assert "[施行中] 2027年放假通知" in machine.run("calendar", "show", "--year", 2027).output
    assert "已在施行" in machine.fails("calendar", "import", path, "--as", "xian", reason="bad_value")
    machine.run("check")


def test_a_county_closes_and_takes_it_back(machine: Machine) -> None:
    machine.now = datetime(2026, 12, 28, 2, tzinfo=UTC)
    clue(machine)
    told = machine.run("calendar", "close", "2026-12-30", *CLOSE).output
    done = machine.run("calendar", "close", "2026-12-30", *CLOSE, "--confirm", code_in(told)).output
    assert "已施行" in done
    shown = machine.run("calendar", "show", "--year", 2026, "--county", "500241").output
    assert "2026-12-30 周三  本县停止办公  县庆日" in shown
    assert "县庆日" not in machine.run("calendar", "show", "--year", 2026).output
    line = machine.fails("calendar", "close", "2026-12-27", *CLOSE, reason="bad_calendar")
    assert "2026-12-27 本来就不上班" in line
    told = machine.run("calendar", "withdraw", "1", "--as", "xian").output
    assert "已撤回" in machine.run("calendar", "withdraw", "1", "--as", "xian", "--confirm", code_in(told)).output
    assert "县庆日  " not in machine.run("calendar", "show", "--year", 2026, "--county", "500241").output
    machine.run("check")


def test_a_backup_brings_the_calendars_back(machine: Machine) -> None:
    machine.now = datetime(2026, 12, 28, 2, tzinfo=UTC)
    clue(machine)
    path = written(machine, MADE_UP)
    told = machine.run("calendar", "import", path, "--as", "xian").output
    machine.run("calendar", "import", path, "--as", "xian", "--confirm", code_in(told))
    shown = machine.run("calendar", "show", "--year", 2027, "--county", "500241").output
    archive = back_up(machine)
    with empty("sqlite", machine.folder / "other") as other:
        other.run("restore", archive, "--secrets", secrets_of(machine))
        other.now = machine.now
        assert other.run("calendar", "show", "--year", 2027, "--county", "500241").output == shown
        assert "国办发明电〔2026〕9号" in shown
        other.run("check")
