"""Papers by the command line: what there is, prints, a county's own templates checked and named at start."""

from io import BytesIO
from pathlib import Path

import pikepdf
import pypdf
import pytest
from sqlalchemy import text

from app.cli import papers
from app.tables import db
from tests.cli.conftest import VILLAGE, Machine
from tests.cli.test_cases import CASE, HOUSEHOLD, INCLUDE, act, clue

BROKEN = '{% extends "base.html" %}{% block body %}{{ v.phone }}{% endblock %}'
SOUND = '{% extends "base.html" %}{% block body %}<p>本县评议格式：{{ v.head }}</p>{% endblock %}'


def text_of(path: Path) -> str:
    return "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(BytesIO(path.read_bytes())).pages)


def test_papers_are_listed_and_printed(machine: Machine, tmp_path: Path) -> None:
    clue(machine)
    said = machine.run("paper", "list", CASE, "--as", "cun").output
    assert "✓" in next(line for line in said.splitlines() if line.startswith("application "))
    assert "record_review, fail_review" in next(line for line in said.splitlines() if line.startswith("review_minutes"))
    assert "county_reply" in machine.run("paper", "list", "--as", "xian").output
    path = tmp_path / "x.pdf"
    assert "1 份文书" in machine.run("paper", "print", "application", CASE.lower(), "-o", path, "--as", "cun").output
    assert "申请书及承诺授权书" in text_of(path)
    machine.run("paper", "print", "review_minutes", "-o", path, "--as", "cun")
    assert "参会人员签到" in text_of(path)
    machine.run("paper", "file", HOUSEHOLD, "-o", path, "--as", "cun")
    with pikepdf.open(path) as pdf, pdf.open_outline() as outline:
        assert next(iter(outline.root)).title.startswith("一户一档")
    machine.fails("paper", "print", "review_minutes", CASE, "-o", path, "--as", "cun", reason="paper_not_ready")
    machine.fails("paper", "print", "county_reply", "500241000000", "-o", path, "--as", "cun", reason="not_allowed")
    machine.fails("paper", "print", "nothing", CASE, "-o", path, "--as", "cun", reason="not_found")


def test_all_of_an_area_are_printed_in_files_of_some_hundred(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a case is not ready for is left out and counted; a blank form is never printed in its place."""
    monkeypatch.setattr(papers, "PORTION", 2)
    households = [f"500241H000000{n}" for n in (1, 2, 3)]
    data = ["--data", "clue_source=self_report", "--data", "clue_note=患病"]
    for number in households:
        machine.run("case", "clue", number, "--purpose", "include", *data, "--as", "cun")
    path = tmp_path / "x.pdf"
    said = machine.run("paper", "print", "application", VILLAGE, "-o", path, "--as", "cun").output
    assert "2 份文书" in said
    assert "1 份文书" in said
    assert not path.exists()
    with machine.application(), db.engine.connect() as connection:
        rows = connection.execute(text("SELECT number, head_name FROM households ORDER BY number LIMIT 3")).all()
    assert [number for number, _ in rows] == households
    files = [text_of(tmp_path / f"x-00{n}.pdf") for n in (1, 2)]
    assert [[head in one for _, head in rows] for one in files] == [[True, True, False], [False, False, True]]
    act(machine, f"{households[0]}-C1", *INCLUDE[0])
    said = machine.run("paper", "print", "review_minutes", VILLAGE, "-o", path, "--as", "cun").output
    assert "另有 3 件案件不能打印" in said
    with machine.application(), db.engine.begin() as connection:
        wrong = text("UPDATE cases SET head = :head WHERE number = :number")
        connection.execute(wrong, {"head": "0" * 64, "number": f"{households[1]}-C1"})
    said = machine.run("paper", "print", "application", VILLAGE, "-o", path, "--as", "cun", code=1).output
    assert f"{households[1]}-C1  broken_chain" in said
    assert [rows[1][1] in text_of(tmp_path / f"x-00{n}.pdf") for n in (1, 2)] == [False, False]
    machine.fails("paper", "print", "application", "500241999999", "-o", path, "--as", "cun", reason="not_found")
    machine.fails("paper", "print", "plan", VILLAGE, "-o", path, "--as", "cun", reason="not_found")
    assert not path.exists()


def test_a_countys_template_prints_or_stops_the_program_by_name(machine: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    own = folder / "review_minutes.html"
    own.write_text(BROKEN, encoding="utf-8")
    said = machine.run("paper", "check", folder, code=2)
    assert said.stdout.splitlines() == ["review_minutes.html: 'dict object' has no attribute 'phone'"]
    assert "bad_papers" in said.stderr
    machine.environ["FANGPIN_PAPERS"] = str(folder)
    line = machine.fails("paper", "list", "--as", "cun", reason="bad_setting")
    assert "FANGPIN_PAPERS: review_minutes.html" in line
    own.write_text(SOUND, encoding="utf-8")
    assert "完好" in machine.run("paper", "check").output
    machine.run("paper", "print", "review_minutes", "-o", tmp_path / "x.pdf", "--as", "cun")
    assert "本县评议格式" in text_of(tmp_path / "x.pdf")
    machine.environ["FANGPIN_PAPERS"] = "/nowhere"
    machine.fails("paper", "list", "--as", "cun", reason="bad_setting")
