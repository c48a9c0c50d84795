"""What the annex of a trail shows: who looked, printed or was refused, and what became of each reminder."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import templates
from reports.annex import Annex, Line
from reports.entries import Entry
from reports.labels import Labels, last_day, local_time, plain, word, words
from reports.trail import Chain
from workflows.journal import canonical, digest, short
from workflows.terms import Terms, Variant, Wordings, load_terms

View = dict[str, Any]
Pairs = Sequence[tuple[Chain, Sequence[Entry]]]
#: Words that the pages have already for the same ledgers; the digest of these alone is part of a print's stamp.
SHARED = ("access.", "detail.", "why.", "paper.", "receipt.", "channel.")
HEADS = ("annex.title", "annex.lines", "annex.reminders", "annex.none_yet", "annex.col_")
HEX64 = re.compile(r"[0-9a-f]{64}")


@cache
def shared_words() -> Terms:
    """Return the pages' words for lines of the ledger, refusals, papers, receipts and channels, over the policy's."""
    return load_terms().merged(_shared())


@cache
def _shared() -> Wordings:
    found: dict[str, tuple[Variant, ...]] = {}
    for path in sorted((templates.PATH / "messages").glob("*.toml")):
        words = load_terms(path)
        found |= {key: words.variants(key) for key in words if key.startswith(SHARED)}
    return found


@cache
def words_digest() -> str:
    """Return a digest of the words above, as they decide what a print shows."""
    told = {key: [dict(one.labels) for one in variants] for key, variants in sorted(_shared().items())}
    return digest(canonical(told))[:16]


def annex_view(annex: Annex | None, pairs: Pairs, lang: str) -> View:
    """Return the tables of an annex; without one, the sentence that says so."""
    told = {key.removeprefix("annex."): key for key in words() if key.startswith(HEADS)}
    heads = {name: word(key, lang) for name, key in told.items()}
    if annex is None:
        return {"words": heads, "note": word("annex.none", lang), "sealed": ""}
    leaf = annex.proof.leaf
    said = word("annex.until", lang, seq=leaf.seq, at=local_time(leaf.at), hash=short(leaf.head))
    left = word("annex.left_out", lang, count=annex.left_out) if annex.left_out else ""
    labels = {chain.case: entries[-1].labels for chain, entries in pairs if entries}
    return {
        "words": heads,
        "note": said + left,
        "sealed": leaf.head,
        "lines": [_line(line, annex, labels, lang) for line in annex.lines],
        "reminders": [_reminder(item, annex, labels, lang) for item in annex.reminders],
    }


def _line(line: Line, annex: Annex, labels: Mapping[str, Labels], lang: str) -> View:
    subject = str(line.body["subject"])
    return {
        "seq": str(line.seq),
        "hash": short(line.hash),
        "at": local_time(line.body["at"]),
        "who": _who(str(line.body["user"]), annex.people, lang),
        "what": _of("access", str(line.body["kind"]), lang),
        "told": list(_told(line, labels.get(subject) or next(iter(labels.values()), None), lang)),
        "on": word("annex.file", lang, digest=short(subject)) if HEX64.fullmatch(subject) else subject,
    }


def _who(user: str, people: Mapping[str, str], lang: str) -> str:
    name = people.get(user, "")
    return word("annex.who", lang, name=name, id=user) if name else user


def _of(kind: str, name: str, lang: str) -> str:
    """A word of the pages; an identifier that has none prints as itself."""
    return shared_words().find(f"{kind}.{name}", lang) or name


def _told(line: Line, labels: Labels | None, lang: str) -> Iterator[str]:
    """What a line tells besides, each kind of detail in words where there are some."""
    for name, value in line.body["detail"].items():
        text = plain(value, lang)
        if value in ("", [], None):
            continue
        if name == "action":
            yield labels.action(text) if labels else text
        elif name == "code":
            yield _of("why", text, lang)
        elif name == "paper":
            yield _of("paper", text, lang)
        elif name == "timer":
            yield labels.of("timers", text) if labels else text
        elif name == "variant" and text in ("masked", "public"):
            yield word(f"annex.{text}", lang)
        else:
            yield word("annex.detail", lang, name=_of("detail", name, lang), value=_cut(text))


def _cut(text: str) -> str:
    return short(text) if HEX64.fullmatch(text) else text


def _reminder(item: Mapping[str, Any], annex: Annex, labels: Mapping[str, Labels], lang: str) -> View:
    own = labels.get(item["case"]) or next(iter(labels.values()), None)
    due = word("annex.due", lang, day=last_day(item["due"]).isoformat()) if item["due"] else ""
    what = [_of("receipt", f"word_{item['word']}", lang).removeprefix("word_")]
    what += [own.of("timers", item["timer"]) if own else item["timer"]] if item["timer"] else []
    what += [own.state(item["state"]) if own else item["state"]] if item["state"] else []
    answered = f"{_of('receipt', item['answer'], lang)} {local_time(item['answered'])}" if item["answered"] else ""
    return {
        "case": item["case"],
        "who": _who(item["user"], annex.people, lang),
        "what": [*what, *([due] if due else [])],
        "sent": local_time(item["sent"]),
        "came": [f"{_of('channel', name, lang)} {local_time(at)}" for name, at in item["came"]],
        "read": local_time(item["read"]) if item["read"] else "",
        "answered": answered,
        "escalated": local_time(item["escalated"]) if item["escalated"] else "",
    }
