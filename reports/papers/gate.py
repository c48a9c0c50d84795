"""What may stand in a paper's HTML: the tags of a form and nothing that could fetch, run or hide."""

import re
from html.parser import HTMLParser

TAGS = frozenset(
    {
        "article", "section", "div", "p", "span", "h1", "h2", "h3", "h4", "ul", "ol", "li", "table", "thead", "tbody",
        "tfoot", "tr", "th", "td", "colgroup", "col", "caption", "br", "hr", "strong", "b", "em", "i", "u", "sub",
        "sup", "img",
    }
)  # fmt: skip
ATTRIBUTES = frozenset({"class", "colspan", "rowspan", "lang", "alt"})
EMPTY = frozenset({"br", "hr", "img", "col"})
PICTURE = re.compile(r"paper-picture:[0-9a-f]{64}")  # bytes that the caller brings along, never an address
PLAIN = re.compile(r"[\w .,:/%()（）、-]{0,200}")


class BadPaper(ValueError):
    """A template makes something that no paper may hold; the text says what."""


def ensure_plain(html: str) -> str:
    """Return the HTML of a paper unchanged; raise BadPaper when it holds more than text, tables and own pictures."""
    gate = _Gate()
    gate.feed(html)
    gate.close()
    if gate.open:
        raise BadPaper(f"<{gate.open[-1]}> is not closed")
    return html


class _Gate(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise BadPaper(f"<{tag}> may not stand in a paper")
        for name, value in attrs:
            _ensure_attribute(tag, name, value or "")
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise BadPaper(f"</{tag}> closes nothing")

    def handle_decl(self, decl: str) -> None:
        raise BadPaper("<!…> may not stand in a paper")

    def handle_comment(self, data: str) -> None:
        raise BadPaper("an HTML comment may not stand in a paper; use {# … #}")

    def handle_pi(self, data: str) -> None:
        raise BadPaper("<?…> may not stand in a paper")

    def unknown_decl(self, data: str) -> None:
        raise BadPaper("<![…> may not stand in a paper")


def _ensure_attribute(tag: str, name: str, value: str) -> None:
    if tag == "img" and name == "src":
        if not PICTURE.fullmatch(value):
            raise BadPaper("<img> shows only pictures of the case itself")
    elif name not in ATTRIBUTES:
        raise BadPaper(f"<{tag} {name}=…> may not stand in a paper")
    elif name != "alt" and not PLAIN.fullmatch(value):  # a picture's words are text, and escaped like all text
        raise BadPaper(f"<{tag} {name}=…>: letters, digits and blanks only")
