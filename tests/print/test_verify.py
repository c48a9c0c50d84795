"""The check of printed trails: altered pages, attachments, forgeries, anchors, malformed files."""

import json
import subprocess
import sys
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest

from reports.container import MAX_FILE
from reports.labels import words
from reports.remark import Remark
from reports.render import render_trail
from reports.trail import read_trail
from reports.verify import Anchor, Live, Verdict, main, verify_pdf
from tests.print import trails
from tests.print.test_trail import resealed
from tests.print.trails import CASE, STATUS, Body
from workflows.journal import digest


def live_chains(text: str) -> dict[str, list[Live]]:
    """Return the chains of the database of an honest trail."""
    return {
        chain.case: [Live(digest(entry), json.loads(entry)["at"]) for entry in chain.entries]
        for chain in read_trail(text).chains
    }


def live(text: str) -> Anchor:
    """Return the anchor that the database of an honest trail gives."""
    return Anchor(live_chains(text))


def codes(verdict: Verdict) -> set[str]:
    return {finding.code for finding in verdict.findings}


def rewritten(data: bytes, edit: Callable[[pikepdf.Pdf], None]) -> bytes:
    """Return a PDF with something changed inside and saved again."""
    with pikepdf.open(BytesIO(data)) as pdf:
        edit(pdf)
        out = BytesIO()
        pdf.save(out, static_id=True)
    return out.getvalue()


def edited_attachment(data: bytes, edit: Callable[[Body], None]) -> bytes:
    def replace(pdf: pikepdf.Pdf) -> None:
        stream = pdf.attachments["trail.json"].obj.EF.F
        text = trails.altered(stream.read_bytes().decode(), edit)
        stream.write(zlib.compress(text.encode()), filter=pikepdf.Name.FlateDecode)

    return rewritten(data, replace)


def test_a_database_that_does_not_know_the_household_is_said_so(honest: str, printed: bytes) -> None:
    unknown = verify_pdf(printed, anchor=Anchor({}))
    assert (unknown.code, [f.code for f in unknown.findings]) == (3, ["unknown_household"])
    assert read_trail(honest).household in unknown.findings[0].text("en")
    noted = verify_pdf(printed, anchor=Anchor({}, head=read_trail(honest).head))
    assert (noted.code, codes(noted)) == (3, {"unknown_household"}), "a noted head does not make up for it"
    assert codes(verify_pdf(printed, anchor=Anchor())) == {"no_anchor"}


@pytest.mark.parametrize("cut", [10, 1000, -40])
def test_a_cut_file_is_told_without_words_of_the_program(printed: bytes, cut: int) -> None:
    verdict = verify_pdf(printed[:cut], anchor=None)
    assert verdict.code == 4
    said = " ".join(verdict.sentences("en"))
    assert "not a readable PDF file" in said
    assert "BytesIO" not in said
    assert "0x" not in said


def test_an_honest_print_is_intact_only_when_anchored(honest: str, printed: bytes) -> None:
    assert verify_pdf(printed, anchor=None).code == 3
    anchored = verify_pdf(printed, anchor=live(honest))
    assert (anchored.code, anchored.findings) == (0, ())
    assert anchored.head == read_trail(honest).head
    assert anchored.trail is not None
    assert anchored.trail.case == CASE


def test_a_noted_head_anchors_in_full_and_as_printed(honest: str, printed: bytes) -> None:
    head = read_trail(honest).head
    assert verify_pdf(printed, anchor=Anchor(head=head)).code == 0
    assert verify_pdf(printed, anchor=Anchor(head=f"{head[:4]} {head[4:8]} {head[8:16]}")).code == 0
    other = verify_pdf(printed, anchor=Anchor(head="0" * 64))
    assert (other.code, codes(other)) == (2, {"noted_head_differs"})
    assert verify_pdf(printed, anchor=Anchor(head="abc")).code == 3


def test_a_head_noted_earlier_anchors_only_what_stood_then(printed: bytes) -> None:
    first, second = trails.Builder(), trails.Builder(STATUS)
    trails.opened(first)
    cut = len(first.entries) - 1
    first.entries = first.entries[:cut]
    first.head = digest(first.entries[-1])
    for _ in range(3):
        second.add("add_evidence")
    earlier = read_trail(trails.trail(first, second))
    verdict = verify_pdf(printed, anchor=Anchor(head=earlier.head))
    assert (verdict.code, codes(verdict)) == (3, {"noted_head_earlier"})


def test_entries_after_the_print_are_only_noted(honest: str, printed: bytes) -> None:
    known = live_chains(honest)
    chains = {**known, CASE: [*known[CASE], Live("f" * 64, "2027-01-01T00:00:00Z")]}
    verdict = verify_pdf(printed, anchor=Anchor(chains))
    assert (verdict.code, codes(verdict)) == (0, {"came_after"})
    chains = {**known, "500241H0000001-C2": [Live("f" * 64, "2027-01-01T00:00:00Z")]}
    assert codes(verify_pdf(printed, anchor=Anchor(chains))) == {"case_after"}


def test_older_entries_and_cases_left_out_are_found(honest: str, printed: bytes) -> None:
    known = live_chains(honest)
    old = Live("f" * 64, "2026-03-02T00:00:00Z")
    hidden = verify_pdf(printed, anchor=Anchor({**known, "500241H0000001-A1": [old]}))
    assert (hidden.code, codes(hidden)) == (2, {"chain_left_out"})
    cut = verify_pdf(printed, anchor=Anchor({**known, STATUS: [*known[STATUS], old]}))
    assert cut.code == 2
    assert "left_out" in codes(cut)


def test_a_database_that_differs_says_where(honest: str, printed: bytes) -> None:
    known = live_chains(honest)
    entries = list(known[CASE])
    entries[2] = Live("e" * 64, entries[2].at)
    verdict = verify_pdf(printed, anchor=Anchor({**known, CASE: entries}))
    found = next(f for f in verdict.findings if f.is_grave)
    assert (verdict.code, found.code, found.case, found.seq) == (2, "entry_not_live", CASE, 3)
    shorter = verify_pdf(printed, anchor=Anchor({**known, CASE: entries[:2]}))
    assert (shorter.code, codes(shorter)) == (2, {"longer_than_live"})
    assert verify_pdf(printed, anchor=Anchor({"500230-X": []})).code == 3


def test_a_consistent_forgery_is_caught_by_its_anchor_alone(honest: str) -> None:
    body = json.loads(honest)
    entry = json.loads(body["chains"][0]["entries"][3])
    entry["changes"]["income_per_head"]["after"] = 999_999
    body["chains"][0]["entries"][3] = entry
    forged = render_trail(resealed(body, {}))
    assert verify_pdf(forged, anchor=None).code == 3
    verdict = verify_pdf(forged, anchor=live(honest))
    assert (verdict.code, verdict.findings[0].seq) == (2, 4)


def test_a_page_altered_beside_an_untouched_attachment_is_found(printed: bytes) -> None:
    def edit(pdf: pikepdf.Pdf) -> None:
        page = pdf.pages[2]
        page.contents_add(b"q 1 0 0 rg 100 400 200 20 re f Q")

    verdict = verify_pdf(rewritten(printed, edit), anchor=None)
    pages = {f.page for f in verdict.findings if f.code == "page_differs"}
    assert verdict.code == 2
    assert 3 in pages


def test_one_byte_in_a_page_is_found_at_that_page_alone(printed: bytes) -> None:
    """The stream is replaced in place by one of the same length, nothing else changes."""
    with pikepdf.open(BytesIO(printed)) as pdf:
        contents = [page.obj.Contents.read_raw_bytes() for page in pdf.pages]
    text = zlib.decompress(contents[1])
    changed = zlib.compress(text.replace(b"0 0 0 rg", b"1 0 0 rg", 1), 9)
    changed = changed.ljust(len(contents[1]), b"\x00")[: len(contents[1])]
    verdict = verify_pdf(printed.replace(contents[1], changed), anchor=None)
    assert verdict.code == 2
    assert {(f.code, f.page) for f in verdict.findings} == {("page_differs", 2)}


def test_pages_removed_and_other_parts_altered_are_found(printed: bytes) -> None:
    fewer = verify_pdf(rewritten(printed, lambda pdf: pdf.pages.__delitem__(1)), anchor=None)
    assert (fewer.code, "page_count" in codes(fewer)) == (2, True)
    saved_again = rewritten(printed, lambda pdf: None)
    assert codes(verify_pdf(saved_again, anchor=None)) == {"other_parts"}


def test_what_is_appended_after_the_end_is_found(honest: str, printed: bytes) -> None:
    update = b"\n9999 0 obj\n<</Type/Page>>\nendobj\n"
    for tail in (b"\n", b"% note\n%%EOF\n", update + printed[printed.rindex(b"startxref") :]):
        verdict = verify_pdf(printed + tail, anchor=live(honest))
        assert verdict.code == 2, tail
        assert "appended" in codes(verdict)


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda body: body["disclosures"][0].update(value="李四"), "value_differs"),
        (lambda body: body["chains"][0]["entries"].pop(), "head_differs"),
        (lambda body: body["chains"][1].update(head="0" * 64), "head_differs"),
    ],
)
def test_an_attachment_altered_beside_untouched_pages_is_found(
    printed: bytes, edit: Callable[[Body], None], code: str
) -> None:
    verdict = verify_pdf(edited_attachment(printed, edit), anchor=None)
    assert verdict.code == 2
    assert code in codes(verdict)


def test_a_value_taken_out_of_the_attachment_differs_from_the_page(printed: bytes) -> None:
    verdict = verify_pdf(edited_attachment(printed, lambda body: body["disclosures"].pop(0)), anchor=None)
    assert verdict.code == 2
    assert "page_differs" in codes(verdict)


def test_an_altered_entry_that_cannot_be_printed_is_altered_not_malformed(printed: bytes) -> None:
    def edit(body: Body) -> None:
        entries = body["chains"][0]["entries"]
        entries[1] = entries[1][:-5]

    verdict = verify_pdf(edited_attachment(printed, edit), anchor=None)
    assert (verdict.code, codes(verdict)) == (2, {"malformed_entry", "link_broken", "not_printable"})


def test_an_erased_value_leaves_the_trail_sound(honest: str) -> None:
    erased = trails.altered(honest, lambda body: body["disclosures"].pop(0))
    verdict = verify_pdf(render_trail(erased), anchor=live(honest))
    assert (verdict.code, codes(verdict)) == (0, {"withheld"})


def test_another_version_is_never_called_intact(honest: str) -> None:
    stamp = "fp-render-v1 weasyprint/99.0 layout/0123"
    same = render_trail(honest, stamp=stamp)
    assert verify_pdf(same, anchor=live(honest)).code == 0, "it gives the same bytes, so nothing is open"
    other = rewritten(same, lambda pdf: None)
    verdict = verify_pdf(other, anchor=live(honest))
    assert (verdict.code, codes(verdict)) == (3, {"other_version"})


def _attach(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["second.txt"] = b"x"


def _hide(pdf: pikepdf.Pdf) -> None:
    hidden = pikepdf.Stream(pdf, b"{}")
    hidden.Type = pikepdf.Name.EmbeddedFile
    pdf.Root.Hidden = pdf.make_indirect(hidden)


def _remove(pdf: pikepdf.Pdf) -> None:
    del pdf.attachments["trail.json"]


def _bomb(pdf: pikepdf.Pdf) -> None:
    stream = pdf.attachments["trail.json"].obj.EF.F
    stream.write(zlib.compress(b" " * 70_000_000), filter=pikepdf.Name.FlateDecode)


def _no_text(pdf: pikepdf.Pdf) -> None:
    stream = pdf.attachments["trail.json"].obj.EF.F
    stream.write(zlib.compress(b"\xff\xfe"), filter=pikepdf.Name.FlateDecode)


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (_attach, "several_attachments"),
        (_hide, "several_attachments"),
        (_remove, "no_attachment"),
        (_bomb, "attachment_form"),
        (_no_text, "attachment_form"),
    ],
)
def test_attachments_that_this_program_does_not_make(
    printed: bytes, edit: Callable[[pikepdf.Pdf], None], code: str
) -> None:
    verdict = verify_pdf(rewritten(printed, edit), anchor=None)
    assert (verdict.code, codes(verdict)) == (4, {code})


def test_files_that_are_no_print(printed: bytes) -> None:
    plain = BytesIO()
    pikepdf.new().save(plain)
    secret = BytesIO()
    with pikepdf.open(BytesIO(printed)) as pdf:
        pdf.save(secret, encryption=pikepdf.Encryption(owner="a", user="b"))
    for data in (b"", b"%PDF-", b"hello", b"PK\x03\x04", plain.getvalue(), secret.getvalue()):
        assert verify_pdf(data, anchor=None).code == 4, data[:8]
    for share in (0.1, 0.5, 0.9, 0.999):
        assert verify_pdf(printed[: int(len(printed) * share)], anchor=None).code == 4
    assert codes(verify_pdf(b"%PDF-" + b" " * MAX_FILE, anchor=None)) == {"too_large"}


def test_a_malformed_trail_inside_a_sound_file(printed: bytes) -> None:
    verdict = verify_pdf(edited_attachment(printed, lambda body: body.update(format="x")), anchor=None)
    assert (verdict.code, codes(verdict)) == (4, {"malformed_trail"})


def test_the_command_needs_neither_application_nor_database(tmp_path: Path, honest: str, printed: bytes) -> None:
    file = tmp_path / "trail.pdf"
    file.write_bytes(printed)
    program = (
        "import sys, reports.verify as v; code = v.main(sys.argv[1:]);"
        "assert not {'app', 'flask', 'sqlalchemy'} & set(sys.modules); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(file)], capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    assert "自洽，但未锚定" in done.stdout
    assert "Self-consistent" in done.stdout
    assert read_trail(honest).head in done.stdout


def test_the_exit_codes_of_the_command(
    tmp_path: Path, honest: str, printed: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "trail.pdf"
    file.write_bytes(printed)
    assert main([str(file), "--head", read_trail(honest).head]) == 0
    assert main([str(file), "--head", "0" * 16]) == 2
    file.write_bytes(b"nothing")
    assert main([str(file)]) == 4
    assert main([str(tmp_path / "absent.pdf")]) == 4
    assert main([]) == 4
    assert "usage" in capsys.readouterr().err


def test_every_finding_has_its_sentence_in_both_languages() -> None:
    own = {"usage", "head", "detail", "place_page", "place_entry", "place_case"}
    keys = {key.removeprefix("verify.") for key in sorted(words()) if key.startswith("verify.")}
    for code in keys - own:
        for lang in ("zh", "en"):
            text = Remark(code, CASE, 3, detail="what it is").text(lang)
            assert CASE in text, code
            assert "what it is" in text, code
