"""Bundles by the command line: one PDF with index and bookmarks, a zip, what is missing named, the same bytes again."""

import hashlib
import json
import zipfile
from pathlib import Path

import pikepdf
import pypdf
import pytest
from sqlalchemy import text

from app.services import print_store
from app.store import append_only
from app.tables import db
from reports import bundle
from reports.container import open_container
from reports.fangpin_verify import read_key, signed_body
from tests.cli.conftest import VILLAGE, Machine
from tests.cli.test_cases import INCLUDE, act
from workflows.checkpoint import read_note, read_step
from workflows.tree import is_consistent

pytestmark = pytest.mark.timeout(300)
CASES = [f"500241H000000{n}-C1" for n in (1, 2, 3)]


@pytest.fixture
def three(machine: Machine) -> Machine:
    """Three households with a clue each."""
    for case in CASES:
        data = ["--data", "clue_source=self_report", "--data", "clue_note=患病"]
        machine.run("case", "clue", case[:-3], "--purpose", "include", *data, "--as", "cun")
    return machine


def bundle_of(machine: Machine, path: Path, *more: object, code: int = 0) -> str:
    asked = [] if "--cases" in more else ["--area", VILLAGE]
    return machine.run("bundle", *asked, *more, "--out", path, "--as", "cun", code=code).output


def titles(path: Path) -> list[str]:
    with pikepdf.open(path) as pdf, pdf.open_outline() as outline:
        return [item.title for place in outline.root for item in place.children]


def prints(machine: Machine, kind: str = "trail_print") -> list[str]:
    """The prints of trails in the ledger, by case."""
    with machine.application(), db.engine.connect() as connection:
        rows = connection.execute(text("SELECT text FROM access_ledger ORDER BY county, seq")).scalars()
        lines = [json.loads(row) for row in rows]
    return [line["subject"] for line in lines if line["kind"] == kind]


def break_chain(machine: Machine, case: str) -> None:
    """Change a sealed entry as somebody with the database in hand would."""
    with machine.application(), db.engine.begin() as connection:
        append_only.remove(connection)
        change = "UPDATE journal SET text = replace(text, 'self_report', 'visit') WHERE \"case\" = :number"
        connection.execute(text(change), {"number": case})
        append_only.install(connection)


def test_a_bundle_is_one_pdf_and_what_is_kept_is_not_set_again(three: Machine, tmp_path: Path) -> None:
    path, again = tmp_path / "x.pdf", tmp_path / "y.pdf"
    assert "新排版 3 份" in bundle_of(three, path)
    assert prints(three) == CASES
    assert "新排版 0 份" in bundle_of(three, again)
    assert path.read_bytes() == again.read_bytes()
    assert prints(three) == CASES * 2
    with pikepdf.open(path) as pdf:
        assert not pdf.attachments
        assert "pdfaid" in pdf.Root.Metadata.read_bytes().decode()
        assert pdf.check_pdf_syntax() == []
    pages = ["".join(page.extract_text().split()) for page in pypdf.PdfReader(path).pages]
    assert "收入台账3份，未能印出0份" in pages[0]
    assert [title.split("　")[0] for title in titles(path)] == CASES
    for case, place in zip(CASES, starts(path), strict=True):
        assert case in pages[place]
    three.fails("bundle", "--area", VILLAGE, "--from", "2026-03-03", "-o", again, "--as", "cun", reason="bad_value")
    assert "新排版 0 份" in bundle_of(three, again, "--to", "2026-03-02")
    three.fails("bundle", "--area", VILLAGE, "--gate", "x", "-o", again, "--as", "cun", reason="bad_value")
    act(three, CASES[1], *INCLUDE[0])
    assert "台账 1 份" in bundle_of(three, again, "--gate", "nominate")


def starts(path: Path) -> list[int]:
    """The page, from 0, to which each bookmark leads."""
    reader = pypdf.PdfReader(path)
    nested = [item for item in reader.outline if isinstance(item, list)]
    return [int(reader.get_destination_page_number(item) or 0) for some in nested for item in some]  # type: ignore[arg-type]


def test_what_cannot_be_printed_is_named_and_the_rest_goes_on(three: Machine, tmp_path: Path) -> None:
    path, wanted = tmp_path / "x.pdf", tmp_path / "cases.txt"
    break_chain(three, CASES[1])
    said = bundle_of(three, path, code=1)
    assert "有 1 份台账没有印出" in said
    assert [title.split("　")[0] for title in titles(path)] == [CASES[0], CASES[2]]
    first = "".join(pypdf.PdfReader(path).pages[0].extract_text().split())
    assert "未能印出1份" in first
    assert "记录与封存时不符，已拒绝印制" in first
    assert prints(three, "refused") == [CASES[1]]
    wanted.write_text(f"{CASES[2].lower()}\n500241H0009999-C1\n")
    bundle_of(three, path, "--cases", wanted, code=1)
    assert "没有这个案件，或不在您的辖区" in "".join(pypdf.PdfReader(path).pages[0].extract_text().split())
    assert prints(three) == [CASES[0], CASES[2], CASES[2]]


def test_a_zip_lists_and_signs_all_that_is_in_it(three: Machine, tmp_path: Path) -> None:
    three.run("seal", "now")
    path, again = tmp_path / "x.zip", tmp_path / "y.zip"
    bundle_of(three, path, "--kind", "zip")
    three.now = three.now.replace(day=20)
    bundle_of(three, again, "--kind", "zip")
    assert path.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(path) as found:
        names = found.namelist()
        content = {name: found.read(name) for name in names}
    assert names == sorted(names)
    manifest = json.loads(content["manifest.json"])
    assert (manifest["format"], manifest["county"]) == ("fp-bundle-v1", "500241")
    assert manifest["checkpoint"] == content["checkpoint.txt"].decode()
    listed = {item["path"]: (item["sha256"], item["size"]) for item in manifest["items"]}
    data = {name: body for name, body in content.items() if not name.startswith("manifest.")}
    assert listed == {name: (hashlib.sha256(body).hexdigest(), len(body)) for name, body in data.items()}
    note = content["manifest.note"].decode()
    key = read_key(three.run("seal", "key").output.strip())
    assert signed_body(note, key) == bundle.manifest_body(content["manifest.json"].decode())
    assert not [name for name in names if name.startswith("steps/")]
    for case in CASES:
        inside = open_container(content[f"trails/{case}.pdf"])
        assert inside.trail == content[f"trails/{case}.json"].decode()
        assert inside.seal == content[f"seals/{case}.json"].decode()
        (tmp_path / "one.pdf").write_bytes(content[f"trails/{case}.pdf"])
        assert three.run("verify", tmp_path / "one.pdf", "--database").exit_code == 0


@pytest.mark.parametrize("variant", ["masked", "public"])
def test_a_bundle_without_personal_values_verifies_as_the_full_one(
    three: Machine, tmp_path: Path, variant: str
) -> None:
    """The clue's note is in neither, the head's name in the masked one alone; index, file names and README included."""
    with three.application(), db.engine.connect() as connection:
        heads = connection.execute(text("SELECT head_name FROM households ORDER BY number LIMIT 3")).scalars().all()
    three.run("seal", "now")
    key, pdf, path = tmp_path / "key.txt", tmp_path / "x.pdf", tmp_path / "x.zip"
    key.write_text(three.run("seal", "key").output.strip())
    assert "新排版 3 份" in bundle_of(three, path, "--kind", "zip")
    assert "新排版 3 份" in bundle_of(three, pdf, "--variant", variant)
    assert "新排版 0 份" in bundle_of(three, path, "--kind", "zip", "--variant", variant)
    pages = "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(pdf).pages)
    with zipfile.ZipFile(path) as found:
        data = "".join(found.read(name).decode() for name in found.namelist() if not name.endswith(".pdf"))
    for everything in (pages + "".join(titles(pdf)), data):
        assert [name in everything for name in heads] == [variant == "masked"] * 3
        assert "患病" not in everything
    assert {"masked": "脱敏版：", "public": "公开版："}[variant] in pages
    assert "完好" in three.run("verify", path, "--key", key).output
    assert three.run("verify", path, "--database").exit_code == 0
    assert prints(three) == CASES * 3


def test_a_new_checkpoint_sets_nothing_anew_until_a_case_changes(three: Machine, tmp_path: Path) -> None:
    three.run("seal", "now")
    assert "新排版 3 份" in bundle_of(three, tmp_path / "x.pdf")
    three.now = three.now.replace(day=3)
    three.run("seal", "now")
    assert "新排版 0 份" in bundle_of(three, tmp_path / "x.pdf")
    act(three, CASES[0], *INCLUDE[0])
    three.run("seal", "now")
    assert "新排版 1 份" in bundle_of(three, tmp_path / "x.pdf")


def test_seals_of_earlier_checkpoints_come_with_the_steps_from_them(three: Machine, tmp_path: Path) -> None:
    three.run("seal", "now")
    three.now = three.now.replace(day=3)
    act(three, CASES[0], *INCLUDE[0])
    three.run("seal", "now")
    bundle_of(three, tmp_path / "x.zip", "--kind", "zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as found:
        newest = read_note(found.read("checkpoint.txt").decode()).checkpoint()
        seals = [json.loads(found.read(f"seals/{case}.json")) for case in CASES]
        points = [read_note(seal["checkpoint"]).checkpoint() for seal in seals]
        (path,) = [name for name in found.namelist() if name.startswith("steps/")]
        step = read_step(found.read(path).decode())
    assert [point.size == newest.size for point in points] == [True, False, False]
    assert (step.old, path) == (points[1].size, f"steps/{points[1].size}.txt")
    assert step.note.checkpoint() == newest
    assert is_consistent(step.old, points[1].root, newest.size, newest.root, step.path)


def test_nothing_of_a_household_lies_readable_in_the_store(three: Machine, tmp_path: Path) -> None:
    bundle_of(three, tmp_path / "x.pdf")
    with three.application():
        kept = [path.read_bytes() for _, _, path in print_store._files()]
    assert len(kept) == 3
    assert all(b"%PDF" not in data for data in kept)
    assert not list((three.folder / "data" / "bundles").glob("*-list"))


def test_who_may_not_print_gets_no_bundle(three: Machine, tmp_path: Path) -> None:
    three.fails("bundle", "--area", VILLAGE, "-o", tmp_path / "x", "--as", "wangge", reason="not_allowed")
    three.fails("bundle", "--area", "500230", "-o", tmp_path / "x", "--as", "xian", reason="not_allowed")
    three.fails("bundle", "--area", VILLAGE, "--from", "soon", "-o", tmp_path / "x", "--as", "cun", reason="bad_value")
    assert not (tmp_path / "x").exists()
