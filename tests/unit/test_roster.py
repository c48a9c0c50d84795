"""The roster parser: layouts, cells, households, every row error, masks, samples."""

import io
import re
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from app.idnumber import make_synthetic
from app.roster import MAX_ERRORS, codes, parse_roster
from app.roster.messages import MESSAGES, scrub
from app.roster.sample import PLACES, name_paths, sample_bytes, write_sample
from app.roster.sheets import OVERLAP
from app.roster.villages import Villages
from tests.unit.roster_books import (
    BIRTH,
    HEAD,
    SON,
    TODAY,
    VILLAGE,
    VILLAGES,
    WIFE,
    book,
    codes_of,
    read,
    saved,
)

SAMPLES = Path(__file__).parents[2] / "app" / "data" / "samples"
ID = str(HEAD["证件号码"])


def with_cells(**cells: object) -> bytes:
    return book([{**HEAD, **cells}])


# Layout


@pytest.mark.parametrize("blank_rows", [0, 2, 4])
def test_the_header_is_found_below_titles(blank_rows: int) -> None:
    above = [["防止返贫监测花名册"], *[["填报单位：", "县：秀山", "乡镇：隘口镇"]] * blank_rows]
    roster = read(book([HEAD, WIFE], above=above[:blank_rows]))
    assert roster.is_clean
    assert roster.header_row == blank_rows + 1
    assert roster.households[0].row == blank_rows + 2


def test_a_label_with_the_word_of_a_heading_is_no_header() -> None:
    roster = read(book([HEAD], above=[["县:", "乡:", "村:"]]))
    assert roster.is_clean
    assert roster.header_row == 2


@pytest.mark.parametrize(
    ("national", "typed"),
    [
        ("姓名", "*姓 名"),
        ("证件号码", "证件\n号码（必填）"),
        ("证件号码", "身份证号码"),
        ("乡", "乡（镇）"),
        ("村", "行政村"),
        ("与户主关系", "★与户主\r\n关系"),
        ("户编号", "１、户编号"),
    ],
)
def test_variants_of_headings(national: str, typed: str) -> None:
    row = {typed if heading == national else heading: cell for heading, cell in HEAD.items()}
    assert read(book([row])).is_clean


def test_headings_over_two_rows() -> None:
    made = Workbook()
    sheet = made.worksheets[0]
    sheet.append(["乡", "村", "家庭收入", None, "姓名", "证件号码", "与户主关系"])
    sheet.append([None, None, "工资性收入", "人均纯收入（元）", None, None, None])
    sheet.append(["隘口镇", "平所村", 100, 50.5, "测试甲", ID, "户主"])
    for column in "ABEFG":
        sheet.merge_cells(f"{column}1:{column}2")
    roster = read(saved(made))
    assert roster.is_clean
    assert roster.households[0].incomes == {"wage": 10_000, "net_per_head": 5_050}


def test_unknown_and_repeated_columns_are_listed() -> None:
    made = Workbook()
    sheet = made.worksheets[0]
    sheet.append([*HEAD, "帮扶措施", "姓名"])
    sheet.append([*HEAD.values(), "产业", "帮扶人"])
    roster = read(saved(made))
    assert roster.ignored == ("帮扶措施", "姓名")
    assert roster.households[0].head.name == "测试甲"


def test_merged_household_cells_and_one_household_in_columns_b_on() -> None:
    made = Workbook()
    sheet = made.worksheets[0]
    headings = list(HEAD)
    lines = [headings, *([str(row[key]) for key in headings] for row in (HEAD, WIFE, SON))]
    for number, line in enumerate(lines, 3):
        for at, text in enumerate(line, 2):
            sheet.cell(number, at, text)
    for column in "BCD":
        sheet.merge_cells(f"{column}4:{column}6")
    roster = read(saved(made))
    assert roster.is_clean
    assert roster.header_row == 3
    assert [member.row for member in roster.households[0].members] == [4, 5, 6]


def test_household_cells_on_the_first_row_only() -> None:
    shared = {"乡": None, "村": None, "户编号": None}
    other = {**HEAD, "户编号": "H2", "证件号码": make_synthetic(BIRTH, 9, sex="male")}
    roster = read(book([HEAD, {**WIFE, **shared}, other, {**SON, **shared}]))
    assert roster.is_clean
    assert [(h.number, len(h.members)) for h in roster.households] == [("H1", 2), ("H2", 2)]


def test_without_numbers_a_household_starts_at_its_head() -> None:
    rows = [HEAD, WIFE, {**HEAD, "证件号码": make_synthetic(BIRTH, 9, sex="male")}, SON]
    rows = [{key: cell for key, cell in row.items() if key != "户编号"} for row in rows]
    roster = read(book(rows))
    assert roster.is_clean
    assert [(h.number, h.row) for h in roster.households] == [("", 2), ("", 4)]


def test_numbering_totals_footers_and_blank_rows_are_left_out() -> None:
    numbering = {heading: n for n, heading in enumerate(HEAD, 1)}
    noise: list[dict[str, object]] = [{}, {"乡": "合计", "姓名": "1户"}, {"乡": "填表人：测试"}]
    roster = read(book([HEAD, numbering, WIFE, *noise]))
    assert roster.is_clean
    assert roster.row_count == 2


def test_the_first_sheet_with_a_header_is_read() -> None:
    made = Workbook()
    made.worksheets[0].append(["填表说明"])
    for title, state in (("隐藏", "hidden"), ("人员", "visible")):
        sheet = made.create_sheet(title)
        sheet.sheet_state = state
        sheet.append(list(HEAD))
        sheet.append([str(cell) for cell in HEAD.values()])
    assert read(saved(made)).sheet == "人员"


# Cells


def test_all_fields_of_a_full_row() -> None:
    cells = {
        "户类型": "脱贫户",
        "监测对象类别": "脱贫不稳定户",
        "识别监测时间": 202406.0,
        "户联系电话": 10000000001,
        "开户银行": "测试银行",
        "银行卡号": "9999 9900 0000 0001",
        "致贫/返贫风险1": "因病",
        "致贫/返贫风险2": "无",
        "致贫返贫风险3": "因残",
        "工资性收入": "￥1,234.565元",
        "人均纯收入（元）": -3.5,
        "是否危房户": "否",
        "组": "3组",
        "出生日期": BIRTH,
        "民族": "苗",
        "文化程度": "初中",
        "健康状况": "残疾，长期慢性病",
        "劳动技能": "普通劳动力",
        "务工时间（月）": "9个月",
        "享受低保政策情况": "农村低保",
        "电话": "023-7666 0000",
    }
    roster = read(book([{**HEAD, **cells}]))
    assert roster.errors == ()
    household = roster.households[0]
    assert (household.kind, household.category) == ("former_poor", "unstable_alleviated")
    assert (household.identified, household.group) == ("202406", "3组")
    assert (household.phone, household.account) == ("10000000001", "9999990000000001")
    assert household.risks == ("illness", "disability")
    assert household.incomes == {"wage": 123_457, "net_per_head": -350}
    assert household.facts == {"dangerous_house": False}
    member = household.head
    assert (member.nation, member.education, member.labour) == (
        "苗族",
        "junior_secondary",
        "ordinary",
    )
    assert member.health == ("disabled", "chronic")
    assert (member.work_months, member.phone) == (9, "02376660000")
    assert member.facts == {"subsistence_allowance": True}
    assert roster.synthetic_count == 1


@pytest.mark.parametrize(
    "typed",
    [BIRTH, datetime(1970, 5, 6), 19700506, "1970-05-06", "1970/5/6", "1970年5月6日", "1970.05.06"],  # noqa: DTZ001 - a cell has no zone
)
def test_forms_of_a_date(typed: object) -> None:
    assert read(with_cells(出生日期=typed)).is_clean


def test_formulas_are_inert() -> None:
    """Without a stored result a formula is an empty cell; a text that looks like one stays text."""
    assert codes_of(with_cells(姓名='="测试"&"甲"')) == ["required"]
    made = Workbook()
    sheet = made.worksheets[0]
    sheet.append(list(HEAD))
    sheet.append([str(cell) for cell in HEAD.values()])
    sheet["D2"] = "=1+1"
    sheet["D2"].data_type = "s"
    assert read(saved(made)).households[0].head.name == "=1+1"


@pytest.mark.parametrize(
    ("township", "village"),
    [
        ("隘口镇", "平所村村民委员会"),
        ("隘口镇人民政府", "平所村委会"),
        ("隘口镇", "平所"),
        ("", "新院村"),
    ],
)
def test_names_of_a_village(township: str, village: str) -> None:
    assert read(with_cells(乡=township, 村=village)).is_clean


def test_a_village_by_code() -> None:
    cells = {key: cell for key, cell in HEAD.items() if key not in {"乡", "村"}}
    for code in (VILLAGE, float(VILLAGE)):
        assert read(book([{**cells, "村代码": code}])).households[0].village == VILLAGE


def test_a_county_settles_two_villages_of_one_name() -> None:
    known = {"甲市/东县/河镇/石村村委会": "1" * 12, "甲市/西县/河镇/石村村委会": "2" * 12}
    found = Villages(known).find(code="", county="西县", township="河镇", village="石村")
    assert found == "2" * 12


# Errors

_SECOND = make_synthetic(BIRTH, 9, sex="male")
_CROWD = [
    {**HEAD, "姓名": f"测试{n}", "与户主关系": "其他", "证件号码": make_synthetic(BIRTH, n, sex="male")}
    for n in range(10, 10 + OVERLAP)
]
_OTHER_HOUSE = {**SON, "户编号": "H2", "与户主关系": "户主"}


def hidden(data: bytes) -> bytes:
    """The same workbook with an empty sheet in front and the roster's sheet hidden."""
    made = load_workbook(io.BytesIO(data))
    made.worksheets[0].sheet_state = "hidden"
    made.create_sheet("说明", 0)
    made.active = 0
    return saved(made)


ROW_ERRORS: dict[str, bytes] = {
    "missing_columns": book([{key: HEAD[key] for key in ("户编号", "姓名", "与户主关系")}]),
    "no_header": book([{"甲": 1, "乙": 2}]),
    "only_hidden": hidden(book([HEAD])),
    "no_rows": book([dict.fromkeys(HEAD)]),
    "required": with_cells(姓名=None),
    "hidden_character": with_cells(姓名="王\u200b五"),
    "text_too_long": with_cells(姓名="长" * 201),
    "id_missing": with_cells(证件号码="  "),
    "id_number_cell": with_cells(证件号码=500241198501010012),
    "id_length": with_cells(证件号码=ID[:15]),
    "id_shape": with_cells(证件号码=ID[:17] + "A"),
    "id_region": with_cells(证件号码=make_synthetic(BIRTH, 1, sex="male", region="009999")),
    "id_birth": with_cells(证件号码=ID[:10] + "1340" + ID[14:]),
    "id_future": with_cells(证件号码=make_synthetic(date(2027, 1, 1), 1, sex="male")),
    "id_check": with_cells(证件号码=ID[:16] + str((int(ID[16]) + 2) % 10) + ID[17]),
    "id_certificate": with_cells(证件号码=ID + "99"),
    "id_duplicate": book([HEAD, {**SON, "证件号码": ID}]),
    "sex_mismatch": with_cells(性别="女"),
    "birth_mismatch": with_cells(出生日期="1970-05-07"),
    "bad_date": with_cells(出生日期="1970-02-30"),
    "bad_month": with_cells(识别监测时间="202413"),
    "identified_missing": with_cells(消除监测时间="202406"),
    "status_future": with_cells(识别监测时间="2027-01-02"),
    "status_order": with_cells(识别监测时间="202406", 消除监测时间="2024-05-31"),
    "bad_code": with_cells(健康状况="挺好"),
    "bad_flag": with_cells(是否危房户="也许"),
    "education_twice": with_cells(文化程度="小学", 在校生状况="小学"),
    "money_bad": with_cells(工资性收入="约三千"),
    "money_negative": with_cells(工资性收入=-1),
    "months_bad": with_cells(务工时间="13"),
    "phone_bad": with_cells(户联系电话="1380000"[:6]),
    "account_bad": with_cells(银行卡号="6228ABC"),
    "village_unknown": with_cells(村="无名村"),
    "village_ambiguous": with_cells(乡=None),
    "head_missing": book([SON]),
    "head_twice": book([HEAD, {**HEAD, "证件号码": _SECOND}]),
    "spouse_twice": book([HEAD, WIFE, {**WIFE, "证件号码": make_synthetic(BIRTH, 9, sex="female")}]),
    "household_conflict": book([HEAD, {**WIFE, "村": "新院村"}]),
    "number_is_id": with_cells(户编号=ID),
    "household_large": book([HEAD, *_CROWD]),
    "household_twice": book([HEAD, _OTHER_HOUSE, {**HEAD, "证件号码": _SECOND}]),
}


def test_every_code_of_a_row_or_header_has_a_case() -> None:
    assert set(ROW_ERRORS) == {code for code in MESSAGES if not code.startswith("file_")}


@pytest.mark.parametrize("code", ROW_ERRORS)
def test_every_error(code: str) -> None:
    roster = read(ROW_ERRORS[code])
    assert [error.code for error in roster.errors] == [code]
    error = roster.errors[0]
    assert re.search("[一-鿿]", error.message_zh)
    assert error.message_en.isprintable()
    assert "{" not in error.message_zh + error.message_en
    assert code in {"no_header", "no_rows", "only_hidden"} or error.row > 0


def test_an_error_names_row_column_and_masked_value() -> None:
    roster = read(book([HEAD, {**SON, "证件号码": ID}], above=[["标题"]]))
    error = roster.errors[0]
    assert (error.row, error.column) == (4, "证件号码")
    assert error.value == f"{ID[:6]}********{ID[14:]}"
    assert "第 3 行" in error.message_zh
    assert roster.households == ()


def test_made_up_numbers_are_refused_on_request() -> None:
    roster = read(book([HEAD]), allow_synthetic=False)
    assert [error.code for error in roster.errors] == ["id_region"]


def test_errors_stop_at_a_thousand_but_are_counted() -> None:
    roster = read(book([{**HEAD, "户编号": f"H{n}", "证件号码": "1"} for n in range(1_100)]))
    assert (len(roster.errors), roster.error_count) == (MAX_ERRORS, 1_100)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([*HEAD, "民族", "户类型", "出生日期", "户联系电话", "银行卡号", "工资性收入"]),
    st.sampled_from(["{}", "{}1", "x{}", " {} ", "{}，{}", "0{}"]),
    st.dates(date(1940, 1, 1), TODAY),
    st.integers(0, 499),
)
def test_no_error_shows_a_number(column: str, form: str, birth: date, serial: int) -> None:
    number = make_synthetic(birth, serial, sex="male")
    roster = read(book([{**HEAD, column: form.replace("{}", number)}]))
    shown = repr(roster.errors) + repr(roster.ignored)
    for start in range(len(number) - 6):
        assert number[start : start + 7] not in shown.replace(" ", "")
    assert number[6:14] not in shown


def test_records_do_not_show_their_numbers() -> None:
    household = read(with_cells(户联系电话="10000000001", 银行卡号="99999900000001")).households[0]
    for hidden in (ID[6:14], ID[14:], "10000000001", "99999900000001", "测试甲"):
        assert hidden not in repr(household)


def test_spaces_do_not_carry_a_number_past_the_mask() -> None:
    spaced = " ".join(ID)
    assert ID[6:14] not in scrub(spaced).replace(" ", "")
    assert ID[6:14] not in scrub("号码" + ID + "错")


# Samples


@pytest.mark.parametrize("county", PLACES)
def test_samples_are_clean(county: str, tmp_path: Path) -> None:
    path = tmp_path / "roster.xlsx"
    write_sample(path, county)
    assert path.read_bytes() == sample_bytes(county)
    roster = parse_roster(path.read_bytes(), known_villages=name_paths(county), today=TODAY)
    assert roster.errors == ()
    assert (len(roster.households), roster.row_count, roster.header_row) == (60, 168, 4)
    assert {h.village[:6] for h in roster.households} == {county}
    assert roster.synthetic_count == roster.row_count
    assert all(m.name.startswith("测试") for h in roster.households for m in h.members)
    assert {h.kind for h in roster.households} == set(codes.KIND.values())


@pytest.mark.parametrize("county", PLACES)
def test_kept_samples_are_the_generated_ones(county: str) -> None:
    kept = load_workbook(SAMPLES / f"roster-{county}.xlsx").worksheets[0]
    fresh = load_workbook(io.BytesIO(sample_bytes(county))).worksheets[0]
    assert list(kept.values) == list(fresh.values)
    assert sorted(map(str, kept.merged_cells.ranges)) == sorted(map(str, fresh.merged_cells.ranges))


def test_people_of_both_samples_differ() -> None:
    rosters = [parse_roster(sample_bytes(county), known_villages=name_paths(county), today=TODAY) for county in PLACES]
    numbers = [m.id_number.core for r in rosters for h in r.households for m in h.members]
    assert len(set(numbers)) == len(numbers)


def test_labels_go_both_ways() -> None:
    assert codes.label(codes.RELATION, "son_in_law") == "之女婿"
    assert codes.label(codes.RELATION, "son_in_law", language="en") == "son in law"
    assert codes.label(codes.RELATION, "") == ""
    assert VILLAGES[VILLAGE] == VILLAGE
