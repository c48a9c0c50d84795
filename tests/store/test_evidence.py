"""Files of evidence: what is accepted, what a shown copy still holds, and who may open it."""

import io
from pathlib import Path

import pikepdf
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from app.services import cases, evidence
from app.services.check import check
from app.services.evidence import open_file, take_in
from app.store.transaction import writing
from app.tables import EvidenceUse, db
from tests.factories import XIUSHAN
from tests.world import World, picture
from workflows.errors import BadFile, FileAltered, NotFound
from workflows.model import Actor

COUNTY = XIUSHAN[:6]
SECRET = b"SECRET-OF-THE-PHONE"


def taken(world: World, data: bytes) -> tuple[bytes, str, str]:
    """Hand in a file; return its shown copy, that copy's type and the type sealed."""
    who = world.person("village_cadre")
    kept = take_in(who, county=COUNTY, kind="visit_photo", data=data)
    return *open_file(who, county=COUNTY, sha256=kept.sha256), kept.mime


def photo(**more: object) -> bytes:
    """A photo with everything hidden in it that a phone can hide."""
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.new("RGB", (64, 32), (10, 20, 30))
    image.save(out, "JPEG", exif=exif, comment=SECRET, xmp=SECRET, icc_profile=profile, **more)
    return out.getvalue()


def test_a_phone_photo_of_two_pictures_is_taken_as_its_first(world: World) -> None:
    out = io.BytesIO()
    first, second = Image.new("RGB", (64, 48), (200, 0, 0)), Image.new("RGB", (16, 12), (0, 0, 200))
    first.save(out, "MPO", save_all=True, append_images=[second])
    assert Image.open(io.BytesIO(out.getvalue())).format == "MPO"
    shown, shown_mime, mime = taken(world, out.getvalue())
    assert (shown_mime, mime) == ("image/jpeg", "image/jpeg")
    kept = Image.open(io.BytesIO(shown))
    assert (kept.format, kept.size) == ("JPEG", (64, 48))
    red, _, blue = kept.convert("RGB").getpixel((5, 5))  # type: ignore[misc]
    assert red > 150 > 100 > blue


def test_a_shown_photo_holds_pixels_only(world: World) -> None:
    data = photo()
    assert data.count(SECRET) == 3
    shown, _, _ = taken(world, data)
    assert SECRET not in shown
    kept = Image.open(io.BytesIO(shown))
    assert kept.size == (32, 64), "upright"
    assert not {"exif", "xmp", "icc_profile", "comment"} & set(kept.info)
    assert not kept.getexif()


def test_texts_of_a_png_are_gone(world: World) -> None:
    out, texts = io.BytesIO(), PngImagePlugin.PngInfo()
    texts.add_text("Comment", SECRET.decode())
    texts.add_text("comment", SECRET.decode())
    Image.new("RGBA", (9, 9)).save(out, "PNG", pnginfo=texts)
    shown, shown_mime, mime = taken(world, out.getvalue())
    assert (SECRET in shown, shown_mime, mime) == (False, "image/jpeg", "image/png")


@pytest.mark.parametrize("cut", [10, 100, 400])
def test_half_a_photo_is_a_bad_file(world: World, cut: int) -> None:
    with pytest.raises(BadFile):
        taken(world, photo()[:cut])


def active_scan() -> bytes:
    """A PDF that acts in all the ways that were found in it."""
    pdf = pikepdf.new()
    script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert('MARK-JS')"))
    launch = pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("MARK-LAUNCH.exe"))
    inside = pdf.make_stream(b"MARK-FILE")
    spec = pikepdf.Dictionary(
        Type=pikepdf.Name.Filespec, F=pikepdf.String("MARK-NAME.exe"), EF=pikepdf.Dictionary(F=inside)
    )
    kinds = [
        pikepdf.Dictionary(Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Tx, AA=pikepdf.Dictionary(K=script)),
        pikepdf.Dictionary(Subtype=pikepdf.Name.Link, A=launch),
        pikepdf.Dictionary(Subtype=pikepdf.Name.FileAttachment, FS=spec, Contents=pikepdf.String("MARK-NOTE")),
    ]
    rows = [pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.Annot, Rect=[0, 0, 9, 9], **k)) for k in kinds]
    page = pdf.add_blank_page(page_size=(200, 100)).obj
    form = pdf.make_stream(b"0 0 1 rg", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=[0, 0, 9, 9])
    form.Metadata, form.AF = pdf.make_stream(b"MARK-META"), pikepdf.Array([spec])
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(X0=form))
    page.Contents = pdf.make_stream(b"/X0 Do 1 0 0 rg 0 0 50 50 re f")
    page.Annots, page.AA, page.AF = pikepdf.Array(rows), pikepdf.Dictionary(O=script), pikepdf.Array([spec])
    root = pdf.Root
    root.AcroForm = pikepdf.Dictionary(Fields=[rows[0]], XFA=pikepdf.String("MARK-XFA"))
    root.OpenAction, root.AA, root.AF = script, pikepdf.Dictionary(WC=script), pikepdf.Array([spec])
    root.Names = pikepdf.Dictionary(JavaScript=pikepdf.Dictionary(Names=[pikepdf.String("MARK-N"), script]))
    root.Outlines = pikepdf.Dictionary(First=pikepdf.Dictionary(Title=pikepdf.String("MARK-TITLE"), A=launch))
    root.StructTreeRoot = pikepdf.Dictionary(K=pikepdf.Dictionary(Type=pikepdf.Name.OBJR, Obj=rows[1]))
    root.Metadata, root.URI = pdf.make_stream(b"MARK-META"), pikepdf.Dictionary(Base=pikepdf.String("MARK-URI"))
    pdf.docinfo["/Author"] = "MARK-AUTHOR"
    out = io.BytesIO()
    pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.disable, compress_streams=False)
    return out.getvalue()


def plain_text(data: bytes) -> bytes:
    """A PDF written out without compression."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        mode = pikepdf.ObjectStreamMode.disable
        pdf.save(out, object_stream_mode=mode, compress_streams=False, qdf=True)
    return out.getvalue()


def test_a_shown_scan_is_drawn_and_does_nothing(world: World) -> None:
    data = active_scan()
    assert data.count(b"MARK-") >= 10
    shown, mime, _ = taken(world, data)
    assert mime == "application/pdf"
    text = plain_text(shown)
    found = [w for w in (b"MARK-", b"JavaScript", b"Launch", b"Annot", b"AcroForm", b"Filespec", b"/AA") if w in text]
    assert not found
    with pikepdf.open(io.BytesIO(shown)) as pdf:
        assert set(pdf.Root.keys()) == {"/Type", "/Pages"}
        assert b"0 0 50 50 re" in pdf.pages[0].Contents.read_bytes()
        assert pdf.pages[0].Resources.XObject.X0.read_bytes() == b"0 0 1 rg"
    assert evidence._scan(data) == evidence._scan(data), "the same scan gives the same copy"


@pytest.mark.parametrize("data", [b"%PDF-1.7", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF"])
def test_a_broken_scan_is_a_bad_file(world: World, data: bytes) -> None:
    with pytest.raises(BadFile):
        evidence.take_in(world.person("village_cadre"), county=COUNTY, kind="other", data=data)


def may_open(who: Actor, sha256: str) -> bool:
    """Tell whether a person may open a file."""
    try:
        open_file(who, county=COUNTY, sha256=sha256)
    except NotFound:
        return False
    return True


def test_a_file_in_no_case_is_its_uploaders_alone(world: World) -> None:
    mine, other = world.person("village_cadre"), world.person("village_cadre", name="other")
    kept = take_in(mine, county=COUNTY, kind="visit_photo", data=picture("visit_photo"))
    assert (may_open(mine, kept.sha256), may_open(other, kept.sha256)) == (True, False)


def test_once_it_is_evidence_only_the_household_counts(world: World) -> None:
    elsewhere = world.person("village_cadre", "500241002201")
    kept = take_in(elsewhere, county=COUNTY, kind="visit_photo", data=picture("visit_photo"))
    assert may_open(elsewhere, kept.sha256)
    case = world.walker().clue().case
    with writing():
        use = EvidenceUse(county=COUNTY, case=case.number, seq=1, kind="visit_photo", sha256=kept.sha256)
        db.session.add(use)
    assert not may_open(elsewhere, kept.sha256)
    assert may_open(world.person("village_cadre"), kept.sha256)


def shown_copies(world: World) -> list[Path]:
    """The shown copies on the disk."""
    return [path for path in (world.folder / "evidence" / COUNTY / "shown").rglob("*") if path.is_file()]


@pytest.mark.parametrize("harm", ["altered", "removed"])
def test_a_shown_copy_that_was_altered_is_not_shown(world: World, harm: str) -> None:
    who = world.person("village_cadre")
    kept = take_in(who, county=COUNTY, kind="visit_photo", data=picture("visit_photo"))
    [copy] = shown_copies(world)
    if harm == "altered":
        copy.write_bytes(picture("other"))
    else:
        copy.unlink()
    with pytest.raises(FileAltered) as refused:
        open_file(who, county=COUNTY, sha256=kept.sha256)
    assert (refused.value.code, dict(refused.value.params)) == ("file_altered", {"file": kept.sha256[:16]})
    codes: list[str] = []
    check([COUNTY], report=lambda damage: codes.append(damage.code))
    assert codes == ["file_altered" if harm == "altered" else "file_missing"]


def test_a_file_that_serves_twice_is_shown_to_reviewers_and_refused_to_nobody(world: World) -> None:
    """One photo as two kinds for two households; the minutes of one meeting may rightly serve many."""
    first, second = world.walker(1).clue(), world.walker(2).clue()
    who = world.person("village_cadre")
    files = [take_in(who, county=COUNTY, kind=kind, data=picture("one")) for kind in ("other", "visit_photo")]
    alone = take_in(who, county=COUNTY, kind="other", data=picture("another"))
    for walker, file, key in ((first, files[0], "a"), (second, files[1], "b"), (second, alone, "c")):
        kind = {"evidence_kind": file.kind, "note": "补充"}
        cases.act(who, case=walker.case.number, action="add_evidence", data=kind, evidence=[file], key=key)
    for walker in (first, second):
        view = cases.case_view(world.person("township_officer"), case=walker.case.number)
        assert view.shared_files == {files[0].sha256: (2, 2)}
