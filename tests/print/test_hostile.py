"""Hostile notes, names and pictures: printed as the text that they are, reaching neither network nor files."""

import builtins
import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pikepdf
import pypdf
import pytest
from PIL import Image

from app.paper_list import Paper, papers
from app.paper_samples import samples_of
from reports.glyphs import visible
from reports.papers.fonts import paper_fonts
from reports.papers.sheets import environment, filled
from reports.papers.typeset import Sheet, typeset
from reports.render import RenderError

FONTS = paper_fonts()
SECRET = "TOP-SECRET-OF-THE-MACHINE"
ALLOWED = (".ttf", ".otf", ".html", ".css", ".icc", ".conf", ".py", ".pyc", ".toml")

VECTORS = [
    '<img src="http://127.0.0.1:9/x.png">',
    '<img src="file://{file}">',
    "<img src={file}>",
    '<img src="//127.0.0.1/x">',
    "<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='file://{file}'/></svg>\">",
    '<img src="fangpin-font:song">',
    '<img src="paper-picture:0000">',
    '<link rel="attachment" href="file://{file}">',
    '<a rel="attachment" href="file://{file}">x</a>',
    '<link rel="stylesheet" href="file://{file}">',
    '<style>@import url("file://{file}");</style>',
    "<style>@font-face{{font-family:x;src:url(file://{file})}}</style>",
    "<style>p{{content:url(file://{file})}}</style>",
    '<p style="background:url(file://{file})">x</p>',
    '<body background="file://{file}">',
    '<table background="file://{file}"><tr><td>x</td></tr></table>',
    '<iframe src="file://{file}"></iframe>',
    '<object data="file://{file}"></object>',
    '<embed src="file://{file}">',
    '<svg><image xlink:href="file://{file}"/></svg>',
    '<svg><use href="file://{file}#x"/></svg>',
    '<svg><style>@import "file://{file}";</style></svg>',
    '<math><mtext><img src="file://{file}"></mtext></math>',
    '<video src="file://{file}"></video>',
    '<audio src="file://{file}"></audio>',
    '<input type="image" src="file://{file}">',
    '<base href="file://{file}">',
    '<meta http-equiv="refresh" content="0;url=file://{file}">',
    '<meta name="dcterms.created" content="1999-01-01">',
    "<title>other</title>",
    "<script>fetch('file://{file}')</script>",
    '</p></article></body></html><img src="file://{file}">',
    '"><img src="file://{file}">',
    "'><img src='file://{file}'>",
    '" style="background:url(file://{file})" x="',
    "&lt;img src=file://{file}&gt;",
    "&#60;img src=file://{file}&#62;",
    "<!--[if IE]><img src=file://{file}><![endif]-->",
    "<![CDATA[<img src=file://{file}>]]>",
    "--><img src=file://{file}>",
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file://{file}">]>&e;',
    '<?xml-stylesheet href="file://{file}"?>',
    '{{{{ "".__class__.__mro__[1].__subclasses__() }}}}',
    "{{% include '{file}' %}}",
    "{{{{ config }}}}",
    "{{{{ v }}}}",
    "{{# hidden #}}",
    "{{{{ cycler.__init__.__globals__.os.popen('cat {file}').read() }}}}",
    "${{7*7}}",
    "<%= 7*7 %>",
    "javascript:alert(1)",
    "url(file://{file})",
    "\\\\127.0.0.1\\share\\x",
    "ftp://127.0.0.1/x",
    "gopher://127.0.0.1:9/x",
    "jar:file://{file}!/x",
    "<img src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "\u202e]]><img src=file://{file}>",
    "\u2066<b>\u2069\u200b\u200d\ufeff",
    "\x00<img src=file://{file}>\x1b[2J",
    "＜img src=file://{file}＞",
    "%3Cimg%20src%3Dfile%3A%2F%2F",
]


KEPT = ("kind", "purpose", "picture")


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """No way to the network; what is opened is noted."""
    opened: list[str] = []
    real = io.open

    def closed(*where: object, **_: object) -> NoReturn:
        raise AssertionError(f"reached for the network: {where}")

    def noting(file: Any, *more: Any, **named: Any) -> Any:
        opened.append(str(file))
        return real(file, *more, **named)

    monkeypatch.setattr(socket.socket, "connect", closed)
    monkeypatch.setattr(socket, "getaddrinfo", closed)
    monkeypatch.setattr(builtins, "open", noting)
    monkeypatch.setattr(io, "open", noting)
    yield opened
    strange = [name for name in opened if not name.endswith(ALLOWED) and not name.isdigit()]
    assert strange == []


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that no paper may show."""
    path = tmp_path / "secret.txt"
    path.write_text(SECRET, encoding="utf-8")
    return path


def poisoned(value: Any, vector: str) -> Any:
    """The same values with every text but the kind and the flags replaced."""
    if isinstance(value, dict):
        return {
            key: item if key in ("kind", "purpose", "picture") else poisoned(item, vector)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [poisoned(item, vector) for item in value]
    return vector if isinstance(value, str) else value


def printed(paper: Paper, values: dict[str, Any]) -> bytes:
    sheet = Sheet(filled(paper.id, values, fonts=FONTS), str(values["title"]), pictures={"0" * 64: jpeg()})
    return typeset([sheet], fonts=FONTS)


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG")
    return out.getvalue()


def text_of(data: bytes) -> str:
    return "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(data)).pages)


def unpacked(stream: pikepdf.Stream) -> bytes:
    """A stream's bytes; a picture's stay as they are."""
    return stream.read_raw_bytes() if stream.get("/Filter") == "/DCTDecode" else stream.read_bytes()


def everything_in(data: bytes) -> bytes:
    """All bytes of a PDF, its streams unpacked."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        streams = [unpacked(one) for one in pdf.objects if isinstance(one, pikepdf.Stream)]
        assert "/EmbeddedFiles" not in pdf.Root.get("/Names", {})
    return b"".join([data, *streams])


def test_there_are_at_least_forty() -> None:
    assert len(set(VECTORS)) >= 40


@pytest.mark.parametrize("vector", VECTORS)
def test_a_hostile_text_is_printed_as_text(vector: str, secret: Path, watched: list[str]) -> None:
    text = vector.format(file=secret)
    paper = papers()["review_minutes"]
    data = printed(paper, poisoned(samples_of(paper)[0], text))
    assert SECRET.encode() not in everything_in(data)
    wanted = "".join(c for c in visible(text) if c.isascii() and c.isalnum())
    assert wanted in "".join(c for c in text_of(data) if c.isascii() and c.isalnum())
    assert watched is not None


@pytest.mark.parametrize("name", list(papers()))
def test_every_paper_takes_hostile_texts_in_every_place(name: str, secret: Path, watched: list[str]) -> None:
    paper = papers()[name]
    text = f'</td></table><img src="file://{secret}"><script>x</script>{{{{ v.__class__ }}}}'
    data = printed(paper, poisoned(samples_of(paper)[0], text))
    assert SECRET.encode() not in everything_in(data)
    assert watched is not None


PICTURES = [
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file://{file}" width="9"/></svg>',
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="http://127.0.0.1:9/x"/></svg>',
    '<!DOCTYPE s [<!ENTITY e SYSTEM "file://{file}">]><svg xmlns="http://www.w3.org/2000/svg"><text>&e;</text></svg>',
    "%!PS\n({file}) run",
    "GIF89a<script>x</script>",
    "<html><img src='file://{file}'></html>",
    "",
]


@pytest.mark.parametrize("picture", PICTURES)
def test_a_hostile_picture_brings_nothing_along(picture: str, secret: Path, watched: list[str]) -> None:
    raw = picture.format(file=secret).encode()
    html = (
        f'<article class="paper form"><div class="photo"><img src="paper-picture:{"0" * 64}" alt="x"></div></article>'
    )
    try:
        data = typeset([Sheet(html, "照片", pictures={"0" * 64: raw})], fonts=FONTS)
    except RenderError:
        return  # refused is well too; shown never
    assert SECRET.encode() not in everything_in(data)
    assert watched is not None


def test_a_picture_that_was_not_brought_along_stops_the_print() -> None:
    html = f'<article class="paper form"><img src="paper-picture:{"1" * 64}" alt="x"></article>'
    with pytest.raises(RenderError):
        typeset([Sheet(html, "照片")], fonts=FONTS)


def test_templates_cannot_change_what_they_are_given() -> None:
    assert environment().autoescape is True
