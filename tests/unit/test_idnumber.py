"""Identity numbers: check digit, dates, typed variants, certificates, masks, synthetic numbers."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.idnumber import (
    IdNumberError,
    check_character,
    make_synthetic,
    mask,
    normalise,
    parse,
)

TODAY = date(2026, 11, 22)
#: The worked example of GB 11643-1999, appendix A.
STANDARD = "11010519491231002X"
BIRTHS = st.dates(date(1900, 1, 1), TODAY)


def code_of(value: str | float, *, allow_synthetic: bool = False) -> str:
    with pytest.raises(IdNumberError) as caught:
        parse(value, today=TODAY, allow_synthetic=allow_synthetic)
    return caught.value.code


def with_check(digits: str) -> str:
    return digits + check_character(digits)


def test_the_example_of_the_standard() -> None:
    number = parse(STANDARD, today=TODAY)
    assert (number.birth, number.sex, number.region) == (date(1949, 12, 31), "female", "110105")
    assert number.core == number.full == STANDARD
    assert not number.is_synthetic


@pytest.mark.parametrize(
    "typed",
    [
        "11010519491231002x",
        "１１０１０５１９４９１２３１００２Ｘ",
        " 110105 19491231 002X\n",
        "'11010519491231002X",
        "’11010519491231002X",
        "110105-19491231-002X",
        "\u200b11010519491231002X\ufeff",
        "11010519491231002Х",
        "\xa011010519491231002×",
    ],
)
def test_typed_variants_are_one_number(typed: str) -> None:
    assert parse(typed, today=TODAY).full == STANDARD


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "id_missing"),
        ("   ", "id_missing"),
        (5.0024119850101e17, "id_number_cell"),
        (500241198501010012, "id_number_cell"),
        ("5.00241E+17", "id_number_cell"),
        (12345.0, "id_length"),
        ("110105491231002", "id_length"),
        (STANDARD + "1", "id_length"),
        ("1101051949123100XX", "id_shape"),
        ("一1010519491231002X", "id_shape"),
        (with_check("00010519491231002"), "id_region"),
        (with_check("11000019491231002"), "id_region"),
        (with_check("99999919491231002"), "id_region"),
        (with_check("11010519490230002"), "id_birth"),
        (with_check("11010518491231002"), "id_birth"),
        (with_check("11010520261123002"), "id_future"),
        ("110105194912310021", "id_check"),
        (STANDARD + "85", "id_certificate"),
        (STANDARD + "45", "id_certificate"),
        (STANDARD + "43XX", "id_certificate"),
    ],
)
def test_wrong_numbers(value: str | float, code: str) -> None:
    assert code_of(value) == code


@pytest.mark.parametrize("tail", ["43", "43B1", "4312"])
def test_disability_certificates(tail: str) -> None:
    number = parse(STANDARD + tail, today=TODAY)
    assert (number.disability_kind, number.disability_grade) == (4, 3)
    assert number.core == STANDARD
    assert mask(number.full) == "110105********002X" + "*" * len(tail)


def test_today_is_not_the_future() -> None:
    assert parse(with_check("11010520261122002"), today=TODAY).birth == TODAY


@given(BIRTHS, st.integers(0, 499), st.sampled_from(["male", "female"]))
def test_synthetic_numbers_are_valid_and_marked(birth: date, serial: int, sex: str) -> None:
    number = parse(make_synthetic(birth, serial, sex=sex), today=TODAY, allow_synthetic=True)
    assert (number.birth, number.sex, number.is_synthetic) == (birth, sex, True)


def test_synthetic_numbers_need_leave() -> None:
    assert code_of(make_synthetic(date(1980, 1, 1), 1, sex="male")) == "id_region"


@pytest.mark.parametrize("serial", [-1, 500])
def test_serials_end(serial: int) -> None:
    with pytest.raises(ValueError, match="serial"):
        make_synthetic(date(1980, 1, 1), serial, sex="male")


@given(BIRTHS, st.integers(0, 499), st.integers(0, 17), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(birth: date, serial: int, at: int, by: int) -> None:
    number = make_synthetic(birth, serial, sex="male", region="500241")
    changed = str((int(number[at].replace("X", "0")) + by) % 10)
    other = number[:at] + changed + number[at + 1 :]
    if other != number:
        with pytest.raises(IdNumberError):
            parse(other, today=TODAY)


@given(st.integers(0, 16).filter(lambda at: at not in {9, 11, 13}))
def test_two_swapped_neighbours_are_always_found(at: int) -> None:
    number = "500241198503171238"[:17]
    number += check_character(number)
    other = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    if other != number:
        with pytest.raises(IdNumberError):
            parse(other, today=TODAY)


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_an_error(text: str) -> None:
    with contextlib.suppress(IdNumberError):
        assert len(parse(text, today=TODAY).full) in {18, 20, 22}


def test_a_mask_hides_the_birth_date() -> None:
    assert mask("50024119850101001X") == "500241********001X"
    assert mask("13800000000") == "13*********"
    assert mask("") == ""


def test_a_number_does_not_show_itself() -> None:
    number = parse(STANDARD, today=TODAY)
    assert str(number) == "110105********002X"
    assert "1949" not in repr(number)
    assert "002X" not in repr(number)


def test_small_number_cells_are_read() -> None:
    assert normalise(110105491231002.0) == "110105491231002"
