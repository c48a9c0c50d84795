"""Hostile, foreign and broken workbooks: refused with a code, quickly, before anything is read."""

import io
import random
import time
import zipfile
from datetime import date

import pytest
from openpyxl import Workbook
from openpyxl.styles import Font
from python_calamine import CalamineWorkbook, XmlError

from app.roster import parse_roster
from app.roster.messages import MESSAGES
from app.roster.sample import sample_bytes
from app.roster.workbook import MAX_FILE
from tests.unit.roster_books import (
    HEAD,
    SHEET,
    book,
    changed,
    codes_of,
    read,
    repacked,
    saved,
    sheet_of,
    with_false_size,
)

GOOD = book([HEAD])
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
MACROS = {"xl/vbaProject.bin": b"x"}
QUICK = 0.2


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, part in entries.items():
            archive.writestr(name, part)
    return packed.getvalue()


def doubled(data: bytes) -> bytes:
    with pytest.warns(UserWarning, match="Duplicate"):
        return repacked(data, added={SHEET: b"<worksheet/>"})


def encrypted(data: bytes) -> bytes:
    at = data.index(b"PK\x01\x02")
    return data[: at + 8] + b"\x01\x00" + data[at + 10 :]


def cells(*places: str) -> bytes:
    return sheet_of("".join(f'<row r="1"><c r="{p}" t="str"><v>x</v></c></row>' for p in places))


def shared_bomb() -> bytes:
    """One text of 1 MiB that 2,000 cells point to: 2 GiB once spread out."""
    text = random.Random(1).randbytes(1 << 19).hex().encode()
    strings = b"<sst><si><t>" + text + b"</t></si></sst>"
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 2001))
    return repacked(sheet_of(rows), added={"xl/sharedStrings.xml": strings})


REFUSED: list[tuple[str, bytes, str]] = [
    ("empty", b"", "file_empty"),
    ("large", b"PK\x03\x04" + bytes(MAX_FILE), "file_too_large"),
    ("xls", OLE, "file_old_xls"),
    ("password", OLE + "EncryptedPackage".encode("utf-16-le"), "file_encrypted"),
    ("zip password", encrypted(GOOD), "file_encrypted"),
    ("csv", "户编号,姓名\n".encode(), "file_csv"),
    ("csv of Excel", "\ufeff户编号\t姓名\r\n".encode(), "file_csv"),
    ("csv in GBK", "户编号,姓名,证件号码\r\n1,测试甲,1\r\n".encode("gbk"), "file_csv"),
    ("html named xlsx", b"<html><table>", "file_not_xlsx"),
    ("zip", zipped({"a.txt": b"x"}), "file_not_xlsx"),
    ("xlsb", zipped({"[Content_Types].xml": b"x", "xl/workbook.bin": b"x"}), "file_not_xlsx"),
    ("lzma", zipped({"[Content_Types].xml": b"x"}, zipfile.ZIP_LZMA), "file_not_xlsx"),
    ("climbing name", repacked(GOOD, added={"../x.xml": b"x"}), "file_not_xlsx"),
    ("doubled name", doubled(GOOD), "file_not_xlsx"),
    ("cut", GOOD[: len(GOOD) // 2], "file_broken"),
    ("no end", b"PK\x03\x04" + bytes(100), "file_broken"),
    ("broken xml", changed(GOOD, SHEET, lambda part: part[:-40]), "file_broken"),
    ("false size", with_false_size(GOOD, SHEET, 100), "file_broken"),
    ("bomb", repacked(GOOD, added={"xl/media/a.xml": bytes(64 << 20)}), "file_bomb"),
    ("false bomb", with_false_size(GOOD, SHEET, 0xFFFF_FFF0), "file_bomb"),
    ("shared text bomb", shared_bomb(), "file_bomb"),
    ("entries", repacked(GOOD, added={f"x/{n}": b"" for n in range(2_000)}), "file_entries"),
    ("nested", repacked(GOOD, added={"xl/embeddings/a.xlsx": GOOD}), "file_nested"),
    ("macros", repacked(GOOD, added=MACROS), "file_macros"),
    ("rows", cells("A1", "A1000001"), "file_rows"),
    ("columns", cells("A1", "KO1"), "file_columns"),
    ("area", cells("A1", "KN1000000"), "file_cells"),
    ("far corner", cells("A1", "XFD1048576"), "file_rows"),
    ("hidden place", sheet_of('<row><c x=">" r="XFD1"><v>1</v></c></row>'), "file_form"),
    ("single quotes", sheet_of("<row><c r='XFD1'><v>1</v></c></row>"), "file_form"),
    ("no place", sheet_of("<row><c><v>1</v></c></row>"), "file_form"),
    ("two places", sheet_of('<row><c r="A1" r="XFD1"><v>1</v></c></row>'), "file_form"),
    ("prefixed", sheet_of('<x:row><x:c r="XFD1"><x:v>1</x:v></x:c></x:row>'), "file_columns"),
    ("comment", sheet_of('<!-- <c r="A1"> -->'), "file_dtd"),
    ("utf-16", changed(GOOD, SHEET, lambda p: p.decode().encode("utf-16")), "file_dtd"),
    (
        "encoding",
        changed(GOOD, SHEET, lambda p: b'<?xml version="1.0" encoding="utf-7"?>' + p),
        "file_dtd",
    ),
    (
        "entities",
        changed(GOOD, SHEET, lambda p: b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///x">]>' + p),
        "file_dtd",
    ),
]


def test_every_code_of_a_file_has_a_case() -> None:
    assert {code for _, _, code in REFUSED} == {c for c in MESSAGES if c.startswith("file_")}


@pytest.mark.parametrize(("data", "code"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED])
def test_refused(data: bytes, code: str) -> None:
    roster = read(data)
    assert [error.code for error in roster.errors] == [code]
    assert (roster.error_count, roster.header_row, roster.households) == (1, 0, ())
    assert roster.errors[0].row == 0


@pytest.mark.parametrize("name", ["bomb", "false bomb", "entries", "area", "far corner", "large"])
def test_bombs_are_refused_at_once(name: str) -> None:
    data = next(case[1] for case in REFUSED if case[0] == name)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        read(data)
        times.append(time.perf_counter() - start)
    assert min(times) < QUICK


def test_a_directory_of_a_million_entries_is_not_read() -> None:
    """The end record tells few entries, the directory holds many."""
    many = zipped({str(n): b"" for n in range(30_000)})
    at = many.rindex(b"PK\x05\x06")
    lying = many[: at + 8] + b"\x01\x00\x01\x00" + many[at + 12 :]
    start = time.perf_counter()
    assert codes_of(lying) == ["file_entries"]
    assert time.perf_counter() - start < QUICK


def test_formatted_empty_cells_far_below_are_harmless() -> None:
    made = Workbook()
    sheet = made.worksheets[0]
    sheet.append(list(HEAD))
    sheet.append([str(cell) for cell in HEAD.values()])
    sheet["XFD1048576"].font = Font(bold=True)
    assert read(saved(made)).is_clean


def test_calamine_itself_does_not_resolve_entities() -> None:
    """Ours refuses them first; this tells when the library below changes its ways."""

    def with_entity(part: bytes) -> bytes:
        declared = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname"><!ENTITY f "F">]>'
        return declared + part.replace(b">H1<", b">a&f;&e;b<")

    book_of = CalamineWorkbook.from_filelike(io.BytesIO(changed(GOOD, SHEET, with_entity)))
    with pytest.raises(XmlError, match="entity"):
        book_of.get_sheet_by_index(0)


def test_external_links_are_dropped_unread() -> None:
    link = b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x">'
    assert read(repacked(GOOD, added={"xl/externalLinks/externalLink1.xml": link})).is_clean


def test_damage_anywhere_gives_an_answer() -> None:
    """A thousand damaged copies: never an exception, never a panic of the library below."""
    chance = random.Random(20261122)
    for _ in range(500):
        damaged = bytearray(GOOD)
        for _ in range(chance.randint(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        assert read(bytes(damaged)).error_count >= 0
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        part = archive.read(SHEET)
    for _ in range(500):
        at = chance.randrange(len(part))
        worse = part[:at] + chance.randbytes(2) + part[at + chance.randint(0, 9) :]
        assert read(repacked(GOOD, {SHEET: lambda _: worse})).error_count >= 0  # noqa: B023 - used at once


def test_a_member_that_claims_to_lie_before_the_file_is_refused() -> None:
    """A damaged directory may point before the first byte; found by the random damage above."""
    data = bytearray(sample_bytes("500241"))
    at = data.rindex(b"PK\x05\x06")
    data[at + 16 : at + 20] = (2**31).to_bytes(4, "little")
    assert parse_roster(bytes(data), known_villages={}, today=date(2026, 11, 22)).error_count == 1
