"""What the printed trail shows: nested lists, dicts and strings from the trail alone, nothing
else."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from reports.annex import Annex
from reports.annex_view import annex_view
from reports.deadlines import Period, ended_text, is_paused, periods_of, result_of
from reports.entries import ERASED, Entry, entries_of, places_of
from reports.explained import explained
from reports.glyphs import visible
from reports.income import is_in_sheet, sheet_lines
from reports.labels import (
    Labels,
    last_day,
    local_time,
    plain,
    word,
    words,
)
from reports.qr import symbol
from reports.seal import Seal
from reports.trail import Chain, Trail
from workflows.checkcode import code_of, qr_text
from workflows.clock import local_midnight, utc_text
from workflows.income import SHEET
from workflows.journal import short
from workflows.variants import FULL

STATEMENTS = ("opinion", "reason", "told_reason", "note")
BOOKKEEPING = "_"
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
SHORT = (300, 6)  # characters, lines; a longer entry may be cut by a page
VILLAGE = 12  # digits; a grid adds three
ZH_DIGITS = "〇一二三四五六七八九"
View = dict[str, Any]
Pair = tuple[Chain, list[Entry]]


def view_of(trail: Trail, seal: Seal | None = None, annex: Annex | None = None) -> View:
    """Return all that the template needs; raise MalformedTrail for entries that cannot be
    printed."""
    chains = _chains(trail)
    until = max((e.body["at"] for _, entries in chains for e in entries), default="")
    view = {
        "lang": trail.lang,
        "html_lang": "zh-CN" if trail.lang == "zh" else "en",
        "words": _document_words(trail.lang, chains),
        "case": trail.case,
        "head": trail.head,
        "head_short": short(trail.head),
        "until": until,
        "as_of": word("cover.as_of_end", trail.lang, day=trail.as_of) if trail.as_of else "",
        "county": _county(trail, chains),
        "check": _check(trail),
        "cover": [*_cover(trail, chains, until), *_code(trail), _sealed(trail, seal)],
        "heads": [_head_row(chain, entries, trail.lang) for chain, entries in chains],
        "summaries": [_summary(trail, n, pair, _told_at(trail) or until) for n, pair in enumerate(chains, start=1)],
        "sections": [_section(trail, n, pair) for n, pair in enumerate(chains, start=1)],
        "annex": annex_view(annex, chains, trail.lang) if trail.variant == FULL else {},
    }
    return {key: _visible(value) for key, value in view.items()}


def _chains(trail: Trail) -> list[Pair]:
    """The chains with their entries; each entry knows the names of areas that any of them tells."""
    found = [(chain, entries_of(trail, chain)) for chain in trail.chains]
    places = places_of(entry.body for _, entries in found for entry in entries)
    return [(chain, [replace(entry, places=places) for entry in entries]) for chain, entries in found]


def _visible(value: Any) -> Any:
    """Write invisible and control characters out everywhere, so that none can hide or reorder
    text."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [_visible(item) for item in value]
    return {key: _visible(item) for key, item in value.items()} if isinstance(value, dict) else value


def _document_words(lang: str, chains: Sequence[Pair]) -> dict[str, str]:
    """The words of the paper itself: those of its last entry's day, as it holds no day of printing."""
    every = (entry for _, entries in chains for entry in entries)
    newest = max(every, key=lambda entry: str(entry.body["at"]), default=None)
    labels = newest.labels if newest else None
    said = words().under(labels.own) if labels else words()
    on, area = (labels.on, labels.area) if labels else (None, "")
    return {key.removeprefix("doc."): said.text(key, lang, on=on, area=area) for key in said if key.startswith("doc.")}


def _latest(chains: Sequence[Pair]) -> Labels | None:
    """The labels of the newest entry of the case asked for, or of any chain when that has none."""
    entries = next((entries for _, entries in chains if entries), [])
    return entries[-1].labels if entries else None


def _county(trail: Trail, chains: Sequence[Pair]) -> str:
    """The county's name stands in its own pack; a county without one is shown by its code."""
    labels = _latest(chains)
    if labels is None or labels.pack.get("area") != trail.county:
        return word("cover.county_code", trail.lang, code=trail.county)
    return labels.pack_title


def _told_at(trail: Trail) -> str:
    """The last second of the day at whose end a trail is told, against which running periods are held."""
    if not trail.as_of:
        return ""
    return utc_text(local_midnight(date.fromisoformat(trail.as_of) + timedelta(days=1)) - timedelta(seconds=1))


def _cover(trail: Trail, chains: Sequence[Pair], until: str) -> Iterator[View]:
    lang, (chain, entries) = trail.lang, chains[0]
    labels = _latest(chains)
    none = word("value.none", lang)
    yield _fact("household", lang, [trail.household or none])
    yield _fact("head_name", lang, [_head_name(chains, lang)])
    yield _fact("village", lang, [_village(chains, lang)])
    yield _fact("case", lang, [_case_title(chain, entries)])
    yield _fact("state", lang, [entries[-1].labels.state(entries[-1].body["target"]) if entries else none])
    pack = str(entries[-1].body["policy"]) if entries else ""
    name = labels.pack_title if labels else none
    yield _fact("pack", lang, [word("cover.pack_name", lang, name=name, id=pack.rpartition(":")[0] or none)])
    yield _fact("sources", lang, labels.sources() if labels else [none])
    yield _fact("entries", lang, [word("cover.entry_count", lang, count=trail.length, chains=len(chains))])
    if trail.as_of:
        yield _fact("as_of", lang, [word("cover.as_of_end", lang, day=trail.as_of)])
    yield _fact("until", lang, [local_time(until) if until else none])
    yield _fact("trail_head", lang, [trail.head])
    if trail.variant != FULL:
        yield _fact("variant", lang, [word(f"cover.{trail.variant}", lang)])


def _check(trail: Trail) -> View:
    """The QR symbol of the first page; empty for a case whose number has no place in a check code."""
    text = qr_text(trail.case, trail.length, trail.head, trail.variant)
    return dict(vars(symbol(text))) if text else {}


def _code(trail: Trail) -> Iterator[View]:
    code = code_of(trail.case, trail.length, trail.head, trail.variant)
    if code:
        yield {**_fact("check_code", trail.lang, [code]), "mono": True}


def _sealed(trail: Trail, seal: Seal | None) -> View:
    """The county's newest checkpoint when this was printed: root, moment, leaves, and what it does not hold yet."""
    if seal is None:
        return _fact("seal", trail.lang, [word("cover.seal_none", trail.lang)])
    point = seal.checkpoint
    at = point.told("at")
    said = word(
        "cover.seal_point",
        trail.lang,
        origin=point.origin,
        size=point.size,
        at=local_time(at) if MOMENT.fullmatch(at) else at,
    )
    held = sum(proof.leaf.seq for proof in seal.proofs)
    rest = [word("cover.seal_rest", trail.lang, count=trail.length - held)] if held < trail.length else []
    return _fact("seal", trail.lang, [word("cover.seal_root", trail.lang, root=seal.short_root), said, *rest])


def _fact(key: str, lang: str, values: list[str]) -> View:
    return {"label": word(f"cover.{key}", lang), "items": values, "mono": key == "trail_head"}


def _head_name(chains: Sequence[Pair], lang: str) -> str:
    """The household head as last recorded in any chain."""
    entry = _last_with(chains, "head_name")
    return _shown(entry, "head_name", _after(entry, "head_name"), lang) if entry else word("value.none", lang)


def _village(chains: Sequence[Pair], lang: str) -> str:
    """The village as last recorded in any chain: the one place where its code stands."""
    entry = _last_with(chains, "area")
    code = _after(entry, "area") if entry else None
    if entry is None or not isinstance(code, str):
        return word("value.none", lang)
    name = entry.places.get(code[:VILLAGE])
    key = "cover.village_name" if name else "cover.village_code"
    return word(key, lang, name=name, code=code[:VILLAGE])


def _last_with(chains: Sequence[Pair], name: str) -> Entry | None:
    """The newest entry of any chain that records a field."""
    found = [entry for _, entries in chains for entry in entries if name in entry.body["changes"]]
    return max(found, key=lambda entry: str(entry.body["at"]), default=None)


def _after(entry: Entry, name: str) -> object:
    return entry.body["changes"][name]["after"]


def _case_title(chain: Chain, entries: Sequence[Entry]) -> str:
    if not entries:
        return chain.case
    labels = entries[-1].labels
    purpose = labels.of("purposes", chain.purpose) if chain.purpose else ""
    tail = word("value.in_brackets", labels.lang, text=purpose) if purpose not in ("", labels.title) else ""
    return f"{chain.case}　{labels.title}{tail}"


def _head_row(chain: Chain, entries: Sequence[Entry], lang: str) -> View:
    state = entries[-1].labels.state(entries[-1].body["target"]) if entries else word("value.none", lang)
    return {
        "title": _case_title(chain, entries),
        "count": str(len(entries)),
        "state": state,
        "head": chain.head,
    }


def _summary(trail: Trail, number: int, pair: Pair, until: str) -> View:
    chain, entries = pair
    periods = periods_of(entries)
    return {
        "heading": _heading(number, _case_title(chain, entries), trail.lang),
        "gates_of": word("doc.in_case", trail.lang, what=word("doc.gates", trail.lang), case=chain.case),
        "gates": [_gate_row(entry, trail) for entry in _signed(entries)],
        "deadlines_of": word("doc.in_case", trail.lang, what=word("doc.deadlines", trail.lang), case=chain.case),
        "deadlines": [_deadline_row(period, trail.lang, until) for period in periods],
        "explained_of": word("doc.in_case", trail.lang, what=word("doc.explained", trail.lang), case=chain.case),
        "explained": explained(periods, entries, trail),
    }


def _signed(entries: Sequence[Entry]) -> list[Entry]:
    """What people did at a gate: by gate in the definition's order, then by time."""
    signed = [e for e in entries if e.body["gate"] and not (e.is_system or e.is_upkeep)]
    order = {gate: n for n, gate in enumerate(entries[-1].labels.gates())} if entries else {}
    return sorted(signed, key=lambda e: (order.get(e.body["gate"], len(order)), e.seq))


def _gate_row(entry: Entry, trail: Trail) -> View:
    ended = [ended_text(item, entry, trail.lang) for item in entry.body["deadlines"]["ended"]]
    return {
        "gate": entry.labels.of("gates", entry.body["gate"]),
        "action": f"{entry.seq}　{entry.labels.action(entry.body['action'])}",
        "who": _who(entry, trail),
        "at": local_time(entry.body["at"]),
        "clock": ended or ["—"],
        "late": any(item["how"] == "late" for item in entry.body["deadlines"]["ended"]),
    }


def _deadline_row(period: Period, lang: str, until: str) -> View:
    labels, item = period.begun_by.labels, period.started
    provisional = word("deadline.provisional", lang) if item.get("provisional") else ""
    own = word("clause.own", lang)
    return {
        "timer": labels.of("timers", item["kind"]),
        "start": word("deadline.start", lang, seq=period.begun_by.seq, at=local_time(item["start"])),
        "last": "—" if is_paused(item) else last_day(item["due"]).isoformat() + provisional,
        "bound": word(f"deadline.{'min' if item['bound'] == 'min' else 'max'}", lang),
        "clause": labels.clause(str(item["clause"])) if item.get("clause") else own,
        "result": result_of(period, lang, until),
        "late": _is_late(period),
    }


def _is_late(period: Period) -> bool:
    """A minimum that has run its full time is no failing, though the system notes its end as well."""
    is_over = bool(period.lapsed_by) and period.started["bound"] != "min"
    return is_over or bool(period.ended and period.ended["how"] == "late")


def _section(trail: Trail, number: int, pair: Pair) -> View:
    chain, entries = pair
    return {
        "heading": _heading(number, _case_title(chain, entries), trail.lang),
        "head": chain.head,
        "entries": [_entry(entry, trail) for entry in entries],
    }


def _entry(entry: Entry, trail: Trail) -> View:
    body, labels = entry.body, entry.labels
    lines = [line for line in _lines(entry, trail) if line["items"]]
    items = [item for line in lines for item in line["items"]]
    return {
        "seq": str(entry.seq),
        "place": word("entry.place", trail.lang, case=body["case"], seq=entry.seq),
        "at": local_time(body["at"]),
        "action": labels.action(body["action"]),
        "hash": short(entry.hash),
        "system": entry.is_system,
        "lapse": entry.is_lapse,
        "short": sum(map(len, items)) < SHORT[0] and len(items) <= SHORT[1],
        "lines": lines,
    }


def _lines(entry: Entry, trail: Trail) -> Iterator[View]:
    lang, body, labels = trail.lang, entry.body, entry.labels
    yield _line("who", lang, [_who(entry, trail)])
    yield _line("move", lang, [_move(entry, lang)])
    for name in (n for n in STATEMENTS if n in body["changes"]):
        text = _shown(entry, name, body["changes"][name]["after"], lang)
        yield {"label": labels.field(name), "items": text.split("\n"), "said": True}
    if body.get("reason") is not None:
        yield {
            **_line("reason", lang, _shown(entry, "reason", body["reason"], lang).split("\n")),
            "said": True,
        }
    yield _line("changes", lang, list(_changes(entry, lang)))
    if SHEET in body["changes"]:
        yield _line("income", lang, list(sheet_lines(labels, body["changes"][SHEET]["after"])))
    yield _line("evidence", lang, [_evidence(labels, item, lang) for item in body["evidence"]])
    yield _line("clauses", lang, [labels.clause(clause) for clause in body["clauses"]])
    yield _line("started", lang, [_started(labels, item, lang) for item in body["deadlines"]["started"]])
    yield _line("ended", lang, [ended_text(item, entry, lang) for item in body["deadlines"]["ended"]])


def _line(key: str, lang: str, items: list[str]) -> View:
    return {"label": word(f"entry.{key}", lang), "items": items, "said": False}


def _who(entry: Entry, trail: Trail) -> str:
    """Name, role and office of the actor, and on whose behalf."""
    body, lang = entry.body, trail.lang
    actor = body["actor"]
    if entry.is_system:
        return word("entry.system", lang)
    role = entry.labels.term(f"role.{actor['role']}", actor["role"])
    office = str(actor.get("office_name") or actor["office"])
    behalf, name = body.get("behalf"), actor["name"]
    if isinstance(behalf, dict):
        name = word("entry.for", lang, name=name, absent=plain(behalf, lang))
    tail = word("entry.behalf", lang, name=behalf) if isinstance(behalf, str) and behalf else ""
    return word("entry.actor", lang, name=name, role=role, office=office, id=actor["id"]) + tail


def _move(entry: Entry, lang: str) -> str:
    body, labels = entry.body, entry.labels
    gate = word("entry.gate", lang, gate=labels.of("gates", body["gate"])) if body["gate"] else ""
    if body["source"] == body["target"]:
        return gate + word("entry.stays", lang, state=labels.state(body["target"]))
    source = labels.state(body["source"]) if body["source"] else word("entry.new", lang)
    return gate + f"{source} → {labels.state(body['target'])}"


def _changes(entry: Entry, lang: str) -> Iterator[str]:
    """Fields before → after in the order of the form; statements stand apart, and what the machine keeps for itself
    only in trail.json."""
    changes, form = entry.body["changes"], entry.labels.form(entry.body["action"])
    told = [name for name in changes if name not in STATEMENTS and not name.startswith(BOOKKEEPING)]
    shown = [name for name in told if not is_in_sheet(changes, name)]
    for name in sorted(shown, key=lambda n: (form.index(n) if n in form else len(form), n)):
        value = _change(entry, name, changes[name], lang)
        yield word("entry.change", lang, field=entry.labels.field(name), value=value)


def _change(entry: Entry, name: str, change: Mapping[str, object], lang: str) -> str:
    after = _shown(entry, name, change["after"], lang)
    if change["before"] is None:
        return after
    before = _shown(entry, name, change["before"], lang)
    is_same = before == after and _withheld(entry, lang) != after
    return after + word("entry.same", lang) if is_same else f"{before} → {after}"


def _shown(entry: Entry, name: str, value: object, lang: str) -> str:
    found = entry.reveal(value)
    if name == "area" and isinstance(found, str):
        return entry.places.get(found) or entry.places.get(found[:VILLAGE]) or found
    return _withheld(entry, lang) if found is ERASED else entry.labels.value(name, found)


def _withheld(entry: Entry, lang: str) -> str:
    """What stands for a personal value that is not opened: in a full trail it can only have been erased."""
    return word("value.erased" if entry.variant == FULL else "value.withheld", lang)


def _evidence(labels: Labels, item: Mapping[str, Any], lang: str) -> str:
    kind, size = labels.evidence(item["kind"]), f"{item['bytes']:,}"
    return word("entry.file", lang, kind=kind, digest=short(item["sha256"]), size=size)


def _started(labels: Labels, item: Mapping[str, Any], lang: str) -> str:
    provisional = word("deadline.provisional", lang) if item.get("provisional") else ""
    if is_paused(item):
        return word("deadline.started_paused", lang, timer=labels.of("timers", item["kind"]))
    key = "deadline.started_min" if item["bound"] == "min" else "deadline.started"
    day = last_day(item["due"]).isoformat()
    return word(key, lang, timer=labels.of("timers", item["kind"]), day=day) + provisional


def _heading(number: int, title: str, lang: str) -> str:
    return f"（{_numeral(number)}）{title}" if lang == "zh" else f"({number}) {title}"


def _numeral(number: int) -> str:
    """Chinese numeral up to 99, as official documents number their parts; figures beyond."""
    tens, ones = divmod(number, 10)
    if tens > 9:
        return str(number)
    head = ("" if tens == 1 else ZH_DIGITS[tens]) + "十" if tens else ""
    return head + (ZH_DIGITS[ones] if ones or not tens else "")
