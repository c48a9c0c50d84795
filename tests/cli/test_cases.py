"""A household in and out by nothing but the command line, with its trail; and what the commands refuse."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from app.services import cases, people, sweep
from app.services.trail import trail_text
from tests.cli.conftest import SAMPLES, Machine

HOUSEHOLD = "500241H0000001"
CASE = f"{HOUSEHOLD}-C1"
INCLUDE: list[tuple[str, str, dict[str, str], list[str]]] = [
    ("cun", "nominate", {"category": "marginal_vulnerable", "risks": "illness，education",
                         "income_per_head": "7,200.50", "opinion": "同意"}, []),
    ("cun", "sign_authorization", {"signed_on": "@today"}, ["authorization_letter"]),
    ("cun", "verify", {"visited_on": "@today", "income_members": "3", "income_wage": "21600", "income_business": "0",
                       "income_property": "0", "income_transfer": "0", "selfpaid_expense": "18600",
                       "labour_members": "1", "education_safe": "是", "medical_safe": "yes", "housing_safe": "1",
                       "water_safe": "true", "opinion": "属实"}, ["visit_photo", "collection_form"]),
    ("dui", "verify", {"opinion": "属实"}, []),
    ("bu", "record_comparison", {"comparison_hits": "0", "comparison_note": "无"}, ["comparison_sheet"]),
    ("cun", "record_review", {"met_on": "@today", "votes_due": "12", "votes_present": "10", "votes_for": "9",
                              "votes_against": "1", "votes_abstain": "0", "opinion": "通过"}, ["minutes"]),
    ("cun", "post_notice", {"posted_place": "公开栏"}, ["notice_photo"]),
    ("cun", "close_publicity", {"publicity_result": "无异议"}, ["notice_last_day_photo"]),
    ("xiang", "township_audit", {"sample_checked": "否", "opinion": "同意"}, ["audit_sheet"]),
    ("xian", "county_approve", {"opinion": "批准"}, []),
    ("zhen", "announce", {"announced_on": "@today"}, ["announcement_photo"]),
    ("xiang", "register", {"national_number": "5002410000001"}, []),
]  # fmt: skip
ELIMINATE = [row for row in INCLUDE if row[1] not in ("sign_authorization", "record_comparison")]
HELP: list[tuple[str, str, dict[str, str], list[str]]] = [
    ("xiang", "assign_helper", {"helper": "bang"}, ["assignment_note"]),
    ("bang", "record_plan", {"plan_text": "养猪", "measures_planned": "industry"}, ["plan"]),
    ("bang", "deliver_measure", {"measure_kind": "industry", "measure_on": "@today", "measure_amount": "3000"},
     ["measure_proof"]),
    ("bang", "record_visit", {"visit_on": "@today", "visit_mode": "home", "visit_note": "好"}, ["visit_photo"]),
]  # fmt: skip


def act(machine: Machine, case: str, who: str, action: str, data: dict[str, str], files: list[str], **more: Any) -> str:
    """Act on a case by the command line; "@today" is the day of the machine's clock."""
    machine.now += timedelta(hours=1)
    today = machine.now.date().isoformat()
    pairs = [word for name, text in data.items() for word in ("--data", f"{name}={text.replace('@today', today)}")]
    handed = [word for kind in files for word in ("--evidence", f"{kind}={machine.picture(kind)}")]
    result = machine.run("case", "act", case, action, *pairs, *handed, "--as", who, **more)
    return result.stdout if result.exit_code == 0 else result.stderr


def clue(machine: Machine, purpose: str = "include", who: str = "wangge", code: int = 0) -> str:
    """Register a clue."""
    data = ["--data", "clue_source=self_report", "--data", "clue_note=患病"]
    result = machine.run("case", "clue", HOUSEHOLD, "--purpose", purpose, *data, "--as", who, code=code)
    return result.output


def walk(machine: Machine, case: str, rows: list[tuple[str, str, dict[str, str], list[str]]], **data: str) -> str:
    """Act after act; the notice hangs for its full time."""
    said = ""
    for who, action, given, files in rows:
        if action == "close_publicity":
            machine.now += timedelta(days=6)
        changed = {**given, **{k: v for k, v in data.items() if k in given or (k == "risk_gone" and len(given) > 3)}}
        if action != "verify" or who == "dui":
            changed.pop("risk_gone", None)
        said = act(machine, case, who, action, changed, files)
    return said


@pytest.mark.timeout(300)
def test_a_household_in_and_out_with_its_trail(machine: Machine, tmp_path: Path) -> None:
    assert f"{CASE}，第 1 步" in clue(machine)
    assert "已办结" in walk(machine, CASE, INCLUDE)
    assert "“帮扶中”" in walk(machine, f"{HOUSEHOLD}-A1", HELP)
    machine.now += timedelta(days=200)
    clue(machine, "eliminate", who="cun")
    assert "已办结" in walk(machine, f"{HOUSEHOLD}-C2", ELIMINATE, income_wage="38400", risk_gone="是")
    assert "风险消除（观察期）" in machine.run("case", "show", f"{HOUSEHOLD}-S1", "--as", "cun").output
    machine.now += timedelta(days=200)
    with machine.application():
        sweep.sweep()
    assert "风险稳定消除" in machine.run("household", "list", HOUSEHOLD, "--as", "cun").output
    assert "发现问题 0" in machine.run("check").output
    _check_trail(machine, tmp_path / "trail.pdf")


def _check_trail(machine: Machine, path: Path) -> None:
    machine.run("trail", CASE, "-o", path, "--as", "shen")
    first = path.read_bytes()
    machine.run("trail", CASE, "-o", path, "--as", "xian")
    assert path.read_bytes() == first
    assert machine.run("verify", path, "--database").exit_code == 0
    alone = machine.run("verify", path, code=3).output
    head = re.findall(r"[0-9a-f]{64}", alone)
    assert head
    machine.run("verify", path, "--head", head[-1])
    machine.run("verify", path, "--head", "0" * 64, code=2)
    act(machine, CASE, "cun", "correct",
        {"corrected_field": "labour_members", "corrected_value": "2", "reason": "笔误"},
        ["correction_proof"])  # fmt: skip
    # The chain has grown since: what was printed is still a part of it.
    machine.run("verify", path, "--database")


def test_verify_needs_no_installation(tmp_path: Path) -> None:
    machine = Machine({"FANGPIN_DATA": str(tmp_path / "none"), "FANGPIN_POLICIES": "/nowhere"}, tmp_path)
    path = tmp_path / "x.pdf"
    path.write_bytes(b"%PDF-1.7 nothing")
    machine.run("verify", path, code=4)
    machine.run("verify", tmp_path / "none.pdf", code=2)
    assert not (tmp_path / "none").exists()


def test_a_case_shows_what_may_be_done_and_why_not(machine: Machine) -> None:
    clue(machine)
    shown = machine.run("case", "show", CASE.lower(), "--as", "cun").output
    assert "nominate  村提名" in shown
    assert "income_per_head（人均纯收入（元/年））" in shown
    assert "线索受理" in shown
    other = machine.run("case", "show", CASE, "--as", "xian").output
    assert "此事项应由村干部、驻村工作队员办理" in other
    assert "Nominate" in machine.run("--lang", "en", "case", "show", CASE, "--as", "cun").output


def test_a_choice_shows_its_ids_before_and_after_a_mistake(machine: Machine) -> None:
    clue(machine)
    shown = machine.run("case", "show", CASE, "--as", "cun").output
    assert "        category：" in shown
    assert "marginal_vulnerable（边缘易致贫户）" in shown
    assert "illness（" in shown
    assert "        income_per_head：" not in shown
    wrong = {**INCLUDE[0][2], "category": "reich"}
    said = act(machine, CASE, "cun", "nominate", wrong, [], code=1)
    assert "category 可选：" in said
    assert "marginal_vulnerable（边缘易致贫户）" in said
    assert "Choices for category: " in act(machine, CASE, "cun", "nominate", wrong, [], code=1, lang="en")
    money = act(machine, CASE, "cun", "nominate", {**INCLUDE[0][2], "income_per_head": "viel"}, [], code=1)
    assert "可选" not in money


def test_refusals_name_the_reason_and_change_nothing(machine: Machine) -> None:
    clue(machine)
    nominate = INCLUDE[0][2]
    assert "[wrong_office]" in act(machine, CASE, "xian", "nominate", nominate, [], code=1)
    assert "“意见”没有填写" in act(machine, CASE, "cun", "nominate", {**nominate, "opinion": ""}, [], code=1)
    assert "[wrong_state]" in act(machine, CASE, "xian", "county_approve", {"opinion": "好"}, [], code=1)
    assert "[unknown_action]" in act(machine, CASE, "cun", "fly", {}, [], code=1)
    assert "[already_open]" in clue(machine, code=1)
    assert "共 1 步" in machine.run("case", "show", CASE, "--as", "cun").output
    assert "发现问题 0" in machine.run("check").output


def test_what_is_missing_is_named_as_a_command_writes_it(machine: Machine) -> None:
    arguments = ["case", "clue", HOUSEHOLD, "--purpose", "include", "--as", "wangge"]
    assert "self_report（" in machine.fails(*arguments, reason="missing_field")
    assert "--data clue_note=" in machine.fails(*arguments, "--data", "clue_source=self_report", reason="missing_field")


def test_a_skipped_gate_missing_evidence_and_an_early_end(machine: Machine) -> None:
    clue(machine)
    walk(machine, CASE, INCLUDE[:1])
    said = act(machine, CASE, "cun", "sign_authorization", {"signed_on": "@today"}, [], code=1)
    assert "[missing_evidence]" in said
    assert "授权书" in said
    assert "--evidence authorization_letter=" in said
    walk(machine, CASE, INCLUDE[1:7])
    early = act(machine, CASE, "cun", "close_publicity", {"publicity_result": "无"}, ["notice_last_day_photo"], code=1)
    assert "[too_early]" in early
    assert "公示期" in early


@pytest.mark.parametrize(
    ("name", "text"),
    [("income_per_head", "viel"), ("income_per_head", "1.234"), ("category", "reich"), ("risks", "illness,pech")],
)
def test_values_are_read_by_their_type(machine: Machine, name: str, text: str) -> None:
    clue(machine)
    said = act(machine, CASE, "cun", "nominate", {**INCLUDE[0][2], name: text}, [], code=1)
    assert "[bad_value]" in said


def test_money_is_yuan_and_kept_in_fen(machine: Machine) -> None:
    clue(machine)
    walk(machine, CASE, INCLUDE[:1])
    with machine.application():
        view = cases.case_view(people.actor_named("cun"), case=CASE)
    assert view.case.fields["income_per_head"] == 720_050
    assert view.values[(CASE, 2, "risks")] == '["illness","education"]'


def test_the_same_key_twice_is_done_once_and_a_stale_version_not_at_all(machine: Machine) -> None:
    clue(machine)
    pairs = [word for name, text in INCLUDE[0][2].items() for word in ("--data", f"{name}={text}")]
    arguments = ["case", "act", CASE, "nominate", *pairs, "--as", "cun", "--key", "k-1"]
    machine.run(*arguments, "--version", "1")
    assert "此前已办理" in machine.run(*arguments, "--version", "1").output
    machine.fails(
        "case", "act", CASE, "recuse", "--data", "reason=亲戚", "--version", "1", "--as", "cun", reason="stale"
    )
    machine.fails(
        "case", "act", CASE, "recuse", "--data", "reason=亲戚", "--key", "k-1", "--as", "cun", reason="key_reused"
    )


def test_what_lies_elsewhere_is_not_there(machine: Machine) -> None:
    clue(machine)
    machine.add("fremd", "village_cadre@500241103205")
    elsewhere = machine.fails("case", "show", CASE, "--as", "fremd", reason="not_found")
    nowhere = machine.fails("case", "show", "500241H0009999-C1", "--as", "fremd", reason="not_found")
    assert elsewhere == nowhere
    machine.fails("trail", CASE, "-o", machine.folder / "x.pdf", "--as", "fremd", reason="not_found")
    machine.fails("household", "show", HOUSEHOLD, "--as", "fremd", reason="not_found")
    assert not (machine.folder / "x.pdf").exists()


def test_a_picture_that_is_none(machine: Machine) -> None:
    clue(machine)
    walk(machine, CASE, INCLUDE[:1])
    fake = machine.folder / "fake.jpg"
    fake.write_bytes(b"no picture")
    base = ["case", "act", CASE, "sign_authorization", "--data", "signed_on=2026-03-02", "--as", "cun"]
    machine.fails(*base, "--evidence", f"authorization_letter={fake}", reason="bad_file")
    machine.run(*base, "--evidence", "authorization_letter", code=2)
    machine.run(*base, "--evidence", "authorization_letter=/nowhere.jpg", code=2)
    machine.run(*base, "--data", "no equals sign", code=2)


def test_check_tells_damage_by_its_exit_code(machine: Machine) -> None:
    clue(machine)
    walk(machine, CASE, INCLUDE[:2])
    path = next(p for p in (machine.folder / "data" / "evidence").rglob("*") if p.is_file())
    path.unlink()
    said = machine.run("check", "--county", "500241", code=2).output
    assert "[file_missing] 文件丢失" in said
    assert "发现问题 1" in said
    assert "file is missing" in machine.run("--lang", "en", "check", code=2).output


def test_an_auditor_reads_and_prints_masked_numbers_only(machine: Machine) -> None:
    """Not one whole ID number of the roster in what an auditor is shown or takes away."""
    clue(machine)
    cells = load_workbook(SAMPLES / "roster-500241.xlsx").worksheets[0].values
    numbers = {str(cell) for row in cells for cell in row if re.fullmatch(r"[0-9]{17}[0-9X]", str(cell))}
    assert len(numbers) > 40
    shown = machine.run("household", "show", HOUSEHOLD, "--as", "shen").output
    assert "********" in shown
    shown += machine.run("case", "show", CASE, "--as", "shen").output
    with machine.application():
        shown += trail_text(people.actor_named("shen"), case=CASE)
    assert [number for number in numbers if number in shown] == []
