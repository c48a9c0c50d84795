"""Opens an .xlsx safely: the zip directory is judged first, then every part, then calamine reads.

calamine makes a dense table from the first to the last cell, so that two cells far apart in a file
of 1 KiB end the whole process; hence cell positions are counted before it sees anything. It is
given a new archive made of exactly the bytes that were judged, so that no second reading of the
same zip (doubled names, false sizes) can differ. It never resolves entities nor links.

A long sheet is never unpacked whole: `sheets` reads it in blocks of rows.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from operator import itemgetter
from typing import Any

Cell = str | int | float | bool | date | datetime | time | timedelta

MAX_FILE = 128 << 20
MAX_UNPACKED = 1 << 30
#: All that is unpacked at once: everything but long sheets.
MAX_HELD = 256 << 20
MAX_RATIO = 200
MAX_ENTRIES = 2_000
MAX_ROWS = 1_000_000
MAX_COLUMNS = 300
#: Rows × columns that are read at once. About 320 MiB in calamine.
MAX_CELLS = 10_000_000
#: All cell texts read at once, shared strings spread out over the cells.
MAX_TEXT = 512 << 20
#: A sheet of more bytes than this is read in blocks.
LONG_SHEET = 24 << 20
_MAX_DIRECTORY = 1 << 20
_SMALL = 64 << 10
_WINDOW = 4 << 20

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END = struct.Struct("<4s4H2LH")
_NESTED = (".zip", ".xlsx", ".xlsm", ".xlsb", ".xls", ".docx", ".doc", ".rar", ".7z", ".gz", ".jar")
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_NEEDED = frozenset({"[Content_Types].xml", "xl/workbook.xml"})
_KEPT = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|xl/_rels/workbook\.xml\.rels"
    r"|xl/(?:workbook|sharedStrings|styles)\.xml|xl/worksheets/[^/]+\.xml"
)
_DECLARED = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([^\"']*)")
_STRING = re.compile(rb"<(?:[^\s<>/:]*:)?si(?=[\s/>])")
# Each twice: the way that nearly every program writes, quick, and any way that XML allows.
_PLAIN_START = b'<c r="'
_ANY_START = re.compile(rb"<(?:[^\s<>/:]*:)?c(?=[\s/>])")
_ODD_STARTS = (re.compile(rb":c[\s/>]"), re.compile(rb"<c(?! r=\")[\s/>]"))
_PLAIN_CELL = re.compile(rb"<c r=\"([A-Z]{1,3})(\d{1,7})\"(?: (?!r=)\w+=\"[^\"<>&]*\")*(/| /|></c)?>")
# The quickest: in rows whose own number was put out by a NUL, a cell that is not "column, that number, style, type".
_NOT_PLAIN = re.compile(rb"<c r=\"(?!(?:[A-Z]|[A-J][A-Z]|K[A-N])\0\"(?: [st]=\"\w{1,12}\")*/?>)")
# The quick way again, for cells up to the last column that is allowed: only the row is taken.
_NEAR_CELL = re.compile(rb"<c r=\"(?:[A-Z]|[A-J][A-Z]|K[A-N])(\d{1,7})\"(?: (?!r=)\w+=\"[^\"<>&]*\")*(?:/| /|></c)?>")
_CELL = re.compile(
    rb"<(?:\w+:)?c(?:\s+(?!r=)[\w:]+=\"[^\"<>&]*\")*"
    rb"\s+r=\"([A-Z]{1,3})(\d{1,7})\"(?:\s+(?!r=)[\w:]+=\"[^\"<>&]*\")*\s*(/|></(?:\w+:)?c)?>(?:<v>(\d{1,8})</v>)?"
)


class WorkbookRefused(Exception):
    """The file as a whole can't be taken; `code` is a key of `messages.MESSAGES`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_parts(data: bytes) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Return the parts of a workbook that are needed, and the names of those sheets too long to be read at once.

    Raises WorkbookRefused. What is returned was judged but for the places of cells (`ensure_cells`).
    """
    _ensure_looks_like_zip(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _ensure_entries(entries)
            kept = [entry for entry in entries if _KEPT.fullmatch(entry.filename)]
            long = tuple(entry.filename for entry in kept if _is_long(entry))
            parts = {entry.filename: archive.read(entry) for entry in kept if entry.filename not in long}
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, struct.error):  # a damaged offset may be negative
        raise WorkbookRefused("file_broken") from None
    except (NotImplementedError, RuntimeError):
        raise WorkbookRefused("file_not_xlsx") from None
    for part in parts.values():
        ensure_plain_xml(part)
    return parts, long


def _is_long(entry: zipfile.ZipInfo) -> bool:
    return entry.file_size > LONG_SHEET and entry.filename.startswith("xl/worksheets/")


def _ensure_looks_like_zip(data: bytes) -> None:
    """Judge size, magic bytes and the end record, before the directory itself is read."""
    if not data:
        raise WorkbookRefused("file_empty")
    if len(data) > MAX_FILE:
        raise WorkbookRefused("file_too_large")
    if data.startswith(_OLE):
        is_encrypted = "EncryptedPackage".encode("utf-16-le") in data
        raise WorkbookRefused("file_encrypted" if is_encrypted else "file_old_xls")
    if not data.startswith(b"PK\x03\x04"):
        raise WorkbookRefused("file_csv" if _is_csv(data) else "file_not_xlsx")
    at = data.rfind(b"PK\x05\x06", max(0, len(data) - _END.size - 0xFFFF))
    if at < 0 or at + _END.size > len(data):
        raise WorkbookRefused("file_broken")
    _, _, _, _, count, size, _, _ = _END.unpack_from(data, at)
    # A zip64 directory is for more than 4 GiB or 65,535 entries: never a roster.
    if count > MAX_ENTRIES or size > _MAX_DIRECTORY or data[at - 20 : at - 16] == b"PK\x06\x07":
        raise WorkbookRefused("file_entries")


def _is_csv(data: bytes) -> bool:
    """Tell whether a file is a table as text, in UTF-8 or in GBK as Excel writes it in China."""
    line = data[:_SMALL].partition(b"\n")[0]
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = line.decode("gb18030", errors="replace")
    words = text.replace("\t", ",").replace(";", ",").strip()
    return words.isprintable() and "," in words and not words.startswith("<")


def _ensure_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise WorkbookRefused("file_entries")
    names = [entry.filename for entry in entries]
    if any(entry.flag_bits & 0x41 for entry in entries):
        raise WorkbookRefused("file_encrypted")
    _ensure_sizes(entries)
    _ensure_names(names)
    if any(entry.compress_type not in _METHODS for entry in entries):
        raise WorkbookRefused("file_not_xlsx")


def _ensure_sizes(entries: list[zipfile.ZipInfo]) -> None:
    held = sum(entry.file_size for entry in entries if not _is_long(entry))
    if held > MAX_HELD or sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise WorkbookRefused("file_bomb")
    for entry in entries:
        if entry.file_size > max(_SMALL, entry.compress_size * MAX_RATIO):
            raise WorkbookRefused("file_bomb")


def _ensure_names(names: list[str]) -> None:
    lower = [name.lower() for name in names]
    if any(name.endswith("vbaproject.bin") for name in lower):
        raise WorkbookRefused("file_macros")
    if any(name.endswith(_NESTED) for name in lower):
        raise WorkbookRefused("file_nested")
    is_odd = len(set(lower)) < len(lower) or any(".." in n or n.startswith("/") for n in lower)
    if is_odd or not set(names) >= _NEEDED:
        raise WorkbookRefused("file_not_xlsx")


def ensure_plain_xml(part: bytes) -> None:
    """No DTD, hence no entity; no comment and UTF-8 only: nothing is hidden from our searches."""
    declared = _DECLARED.search(part[:200])
    is_utf8 = not declared or declared[1].lower() in {b"utf-8", b"utf8", b"us-ascii"}
    if b"\0" in part or not is_utf8 or b"<!" in part:
        raise WorkbookRefused("file_dtd")


@dataclass(frozen=True)
class Texts:
    """The lengths of a workbook's shared texts, the first of which is what stands before them."""

    lengths: tuple[int, ...]
    longest: int


def texts_of(parts: Mapping[str, bytes]) -> Texts:
    """Measure the shared texts."""
    lengths = tuple(len(item) for item in _STRING.split(parts.get("xl/sharedStrings.xml", b"")))
    return Texts(lengths, max(lengths))


def ensure_cells(part: bytes, texts: Texts, rows: Sequence[tuple[int, bytes]] = ()) -> None:
    """Bound the table that calamine will make of a part: rows, columns, cells, text; raises WorkbookRefused.

    ``rows`` are its rows with their index, where they are known: plain ones are judged at a third of the price.
    """
    count = _count_plain(part, rows) or _ensure_area(part)
    if count * texts.longest > MAX_TEXT:
        _ensure_text(part, texts.lengths[1:], texts.longest)


def _count_plain(part: bytes, rows: Sequence[tuple[int, bytes]]) -> int:
    """The number of cells when each has the number of its row and all rows, even if they were full, fit; else 0."""
    if not rows or (rows[-1][0] - rows[0][0] + 1) * MAX_COLUMNS > MAX_CELLS or rows[-1][0] >= MAX_ROWS:
        return 0
    # No part holds a NUL of its own: that was refused before.
    marked = b"".join(text.replace(b'%d"' % (index + 1), b'\0"') for index, text in rows)
    if any(odd.search(part) for odd in _ODD_STARTS) or _NOT_PLAIN.search(marked):
        return 0
    count = marked.count(_PLAIN_START)
    return count if count == part.count(_PLAIN_START) else 0


def _ensure_area(part: bytes) -> int:
    """The number of cells, when each can be placed and all fit; raises WorkbookRefused."""
    is_odd = any(odd.search(part) for odd in _ODD_STARTS)
    if not is_odd and (near := _count_near(part)):
        return near
    count = sum(1 for _ in _ANY_START.finditer(part)) if is_odd else part.count(_PLAIN_START)
    pattern = _CELL if is_odd else _PLAIN_CELL
    seen = 0
    rows: set[bytes] = set()
    columns: set[bytes] = set()
    for found in _batches(pattern, part):
        seen += len(found)
        # Formatted but empty cells, often down to the last row of the sheet, take no room.
        filled = [cell for cell in found if not cell[2]]
        rows.update(map(itemgetter(1), filled))
        columns.update(map(itemgetter(0), filled))
    if seen != count:
        # A cell written otherwise than every known program does could hide its place.
        raise WorkbookRefused("file_form")
    numbers = [int(row) for row in rows] or [1]
    _ensure_bounds(numbers, max(map(column_number, columns), default=0))
    return count


def _count_near(part: bytes) -> int:
    """The number of cells when all stand in few enough rows, even if each of these were full; else 0."""
    seen, rows = 0, set[bytes]()
    for found in _batches(_NEAR_CELL, part):
        seen += len(found)
        rows.update(found)
    numbers = [int(row) for row in rows] or [1]
    is_near = max(numbers) <= MAX_ROWS and (max(numbers) - min(numbers) + 1) * MAX_COLUMNS <= MAX_CELLS
    return seen if is_near and seen == part.count(_PLAIN_START) else 0


def _batches(pattern: re.Pattern[bytes], part: bytes) -> Iterator[list[Any]]:
    """All matches, some megabytes of text at a time, cut before a tag: memory stays small."""
    start = 0
    while start < len(part):
        end = part.find(b"<", start + _WINDOW)
        end = len(part) if end < 0 else end
        yield pattern.findall(part, start, end)
        start = end


def _ensure_bounds(rows: Collection[int], columns: int) -> None:
    if max(rows) > MAX_ROWS:
        raise WorkbookRefused("file_rows")
    if columns > MAX_COLUMNS:
        raise WorkbookRefused("file_columns")
    if (max(rows) - min(rows) + 1) * columns > MAX_CELLS:
        raise WorkbookRefused("file_cells")


def _ensure_text(part: bytes, lengths: Sequence[int], longest: int) -> None:
    total = 0
    for found in _CELL.finditer(part):
        if b't="s"' in found[0]:
            index = int(found[4] or -1)
            total += lengths[index] if 0 <= index < len(lengths) else longest
    if total > MAX_TEXT:
        raise WorkbookRefused("file_bomb")


def column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def pack(parts: Mapping[str, bytes]) -> bytes:
    """A new, uncompressed archive of the judged parts."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return packed.getvalue()
