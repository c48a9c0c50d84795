"""The case on one screen, as plain values: household, what changed, clocks, signatures, what may be done."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import url_for

from app import printing
from app.access import signed, visitor
from app.labels import Labels, Speech, bare, changed_values, masked_phone, refusal_sentence, short_area
from app.runtime import runtime
from app.services import lists, nudges, reminders, urgings
from app.services.cases import CaseView
from app.services.drawing import diagram, track_of
from app.services.guide import Guide
from app.services.rights import may_print
from app.views.clockbox import explained_box
from app.views.household import people_rows
from app.views.incomes import is_said_by_sheet, sheet_box
from app.views.plain import plain_state, purpose, time_cell
from app.views.receipts import receipt_row
from app.views.shown import labels_for
from app.views.urgings import letter_row
from workflows.clock import local_date, utc_text
from workflows.decide import Allowed
from workflows.definition import Action, Step, Timer
from workflows.income import JUDGEMENT, PER_HEAD, SHEET
from workflows.model import Case, Clock
from workflows.periods import is_over

Entry = Mapping[str, Any]


def case_page(view: CaseView, words: Speech) -> dict[str, Any]:
    """Return everything that the case's template shows."""
    labels = labels_for(view.compiled, words)
    codes = {e["actor"]["office"] for e in view.entries} | {view.household.village, view.household.township}
    areas = {code: short_area(name) for code, name in lists.area_names(codes).items()}
    entries = [entry_row(labels, e, view, areas) for e in view.entries]
    fresh = since_signature(view.entries, signing_actions(labels))
    main = main_actions(view)
    return {
        "number": view.case.number,
        "version": view.case.seq,
        "state": plain_state(labels, view.case, view.now),
        "purpose": purpose(labels, view.case),
        "closed": view.case.closed,
        "head": clock_head(labels, view),
        "household": household_box(view, words, areas),
        "why": why_monitored(view, labels),
        "income": sheet_box(labels, view),
        "photo": "" if view.as_of else photo_url(view),
        "as_of": words.say("kit.as_of", day=words.date(utc_text(view.now))) if view.as_of else "",
        "as_of_day": view.as_of,
        "today": local_date(view.now).isoformat(),
        "since": entries[fresh:],
        "history": entries[:fresh],
        "clocks": [clock_row(labels, clock, view) for clock in sorted(view.case.clocks.values(), key=lambda c: c.due)],
        "gates": gate_rows(labels, view, areas),
        "open": [action_row(labels, a, view, main=a.action in main) for a in view.allowed if a.is_allowed],
        "barred": [barred_row(labels, a) for a in view.allowed if not a.is_allowed],
        "waits": words.roles(view.compiled.waits_for(view.case.state)),
        "chains": chain_rows(view.dossier.cases, words, view.case.number),
        "rules": words.pick(view.compiled.pack.label),
        "head_hash": view.case.head,
        "way": way_box(view, words),
        **reminding_box(view, labels),
        **print_urls(view),
    }


def print_urls(view: CaseView) -> dict[str, Any]:
    """Return where the reader prints papers and trail; papers are of the present only."""
    opens = not view.as_of and may_open("papers.of_case")
    return {
        "papers_url": url_for("papers.of_case", number=view.case.number) if opens else "",
        "trail_url": url_for("audit.trail", number=view.case.number),
        "may_print": may_print(signed().actor),
    }


def reminding_box(view: CaseView, labels: Labels) -> dict[str, Any]:
    """Return who was reminded and pressed in this case, and the letters about it."""
    if view.as_of:  # what was said and sent has no place in the entries
        return {"nudge": {"rows": [], "count": 0, "may": False}, "receipts": [], "letters": []}
    actor, words, number = signed().actor, labels.speech, view.case.number
    rows = [{"at": words.time(one.at), "name": one.name, "reason": one.reason} for one in nudges.pressed(number)]
    may = may_open("receipts.nudge") and nudges.may_press(actor, view.dossier, view.case)
    sees_letters = may_open("urgings.urging")
    return {
        "nudge": {"rows": rows, "count": len(rows), "may": may},
        "receipts": [receipt_row(one, labels, words) for one in reminders.in_case(number)],
        "letters": [letter_row(one, words, view.now) for one in urgings.letters_of(number)] if sees_letters else [],
    }


def may_open(endpoint: str) -> bool:
    """Tell whether a page is for the reader."""
    return visitor().may_open(endpoint)


def way_box(view: CaseView, words: Speech) -> dict[str, Any]:
    """Return the diagram of the case's own rules with where it is, its path, and what is next."""
    compiled = view.compiled
    values = diagram(Guide(words, compiled, runtime().rules), track_of(view.case, view.entries))
    pack, definition = compiled.pack.digest, compiled.definition.digest
    return {
        "values": values,
        "where": values["path"]["where"],
        "handbook": url_for("rules.sheet", pack=pack, sheet="handbook"),
        "drawing": url_for("rules.drawing", pack=pack, definition=definition),
        # The page's middle column is no wider than a phone held across: the narrow shape stays readable there.
        "drawn": printing.draw(values, shape="narrow", name="way", notes=False),
    }


def clock_head(labels: Labels, view: CaseView) -> dict[str, Any]:
    """Return the nearest maximum as the header shows it."""
    running = [c for c in view.case.clocks.values() if c.bound == "max"]
    nearest = min(running, key=lambda c: c.due, default=None)
    cell = time_cell(
        labels.speech, nearest.due if nearest else "", view.now, provisional=bool(nearest and nearest.provisional)
    )
    return {**cell, "timer": labels.timer(nearest.kind) if nearest else ""}


def household_box(view: CaseView, words: Speech, areas: Mapping[str, str]) -> dict[str, Any]:
    """Return the household as the left column shows it; number of identity and telephone are masked."""
    row = view.household
    members = [lists.Person(m.name, m.relation, m.sex, m.born, m.id_masked) for m in view.members]
    return {
        "url": url_for("households.household", number=row.number),
        "head": row.head_name,
        "number": row.number,
        "national": row.national_number or "",
        "place": " ".join(filter(None, (areas.get(row.township), areas.get(row.village), row.group_name))),
        "kind": words.say(f"kind.{row.kind}"),
        "phone": masked_phone(row.phone),
        "members": people_rows(members, words, view.now),
        "whole": view.is_whole,
    }


def why_monitored(view: CaseView, labels: Labels) -> list[dict[str, str]]:
    """Return category, risks and the figures that speak for monitoring, as last recorded in this case."""
    has_sheet = any(SHEET in entry["changes"] for entry in view.entries)
    figures = () if has_sheet else (PER_HEAD, "selfpaid_expense")
    noted = [name for name, spec in view.compiled.fields.items() if spec.never_decides]
    wanted = ("category", "risks", *figures, "labour_members", *noted, JUDGEMENT)
    latest: dict[str, str] = {}
    for entry in view.entries:
        latest |= {r["name"]: r["after"] for r in changed_values(labels, entry, view.values) if r["name"] in wanted}
    return [{"label": bare(labels.field(name)), "value": latest[name]} for name in wanted if name in latest]


def photo_url(view: CaseView) -> str:
    """Return the address of the newest photo of a visit to the household."""
    county = view.case.county
    digest = lists.last_photo(county, view.household.number) if view.is_whole else ""
    return url_for("cases.file", county=county, sha256=digest) if digest else ""


def signing_actions(labels: Labels) -> set[str]:
    """Return the actions that complete a gate's own step: a signature, not an errand."""
    return {step.action for step in labels.compiled.order if step.required}


def since_signature(entries: Sequence[Entry], signing: set[str]) -> int:
    """Return the index from which entries are news to the next signer: the last signature and all after it."""
    signed = [i for i, e in enumerate(entries) if e["action"] in signing and e["source"] != e["target"]]
    return signed[-1] if signed else 0


def entry_row(labels: Labels, entry: Entry, view: CaseView, areas: Mapping[str, str]) -> dict[str, Any]:
    """Return one entry of the journal for people, in the words of its own day."""
    labels = labels.of_act(entry)
    words, actor = labels.speech, entry["actor"]
    moved = entry["source"] != entry["target"] and entry["source"]
    return {
        "seq": entry["seq"],
        "action": labels.action(entry["action"]),
        "at": words.time(entry["at"]),
        "who": actor_name(words, entry),
        "office": "" if actor["id"] == "system" else words.aside(office_of(words, actor, areas)),
        "system": actor["id"] == "system",
        "arrow": (labels.state(entry["source"]), labels.state(entry["target"])) if moved else None,
        "changes": [r for r in changed_values(labels, entry, view.values) if not is_said_by_sheet(entry, r["name"])],
        "evidence": [file_row(labels, item, entry["county"], view.shared_files) for item in entry["evidence"]],
        "ended": [ended_row(labels, item) for item in entry["deadlines"]["ended"] if item["how"] in ("late", "met")],
        "clauses": [labels.clause(clause) for clause in entry["clauses"]],
    }


def actor_name(words: Speech, entry: Entry) -> str:
    """Return who acted, and for whom: X 代 Y."""
    actor, behalf = entry["actor"], entry.get("behalf")
    if actor["id"] == "system":
        return words.role("system")
    absent = behalf.get("name", "") if isinstance(behalf, Mapping) else behalf
    return words.say("absence.x_for_y", name=actor["name"], absent=absent) if absent else str(actor["name"])


def absent_of(allowed: Allowed) -> str:
    """Return the name of the absent person for whom an act would be signed, empty for one's own office."""
    return allowed.office.behalf.name if allowed.office and allowed.office.behalf else ""


def office_of(words: Speech, actor: Mapping[str, Any], areas: Mapping[str, str]) -> str:
    """Return the office in which somebody acted."""
    return f"{areas.get(actor['office'], '')} {words.role(actor['role'])}".strip()


def file_row(
    labels: Labels, item: Mapping[str, Any], county: str, shared: Mapping[str, tuple[int, int]]
) -> dict[str, Any]:
    """Return one piece of evidence: its kind, address, whether it is a picture, and where else the file serves."""
    elsewhere = shared.get(item["sha256"])
    return {
        "label": labels.evidence(item["kind"]),
        "url": url_for("cases.file", county=county, sha256=item["sha256"]),
        "picture": str(item["mime"]).startswith("image/"),
        "shared": labels.speech.say("ui.file_shared", households=elsewhere[0], kinds=elsewhere[1]) if elsewhere else "",
    }


def ended_row(labels: Labels, item: Mapping[str, Any]) -> dict[str, str]:
    """Return how a period ended with an entry."""
    words = labels.speech
    return {
        "label": labels.timer(item["kind"]),
        "how": item["how"],
        "word": words.say(f"how.{item['how']}"),
        "due": words.aside(f"{words.say('ui.due')} {words.last_day(item['due'])}"),
    }


def clock_row(labels: Labels, clock: Clock, view: CaseView) -> dict[str, Any]:
    """Return a running period with its explanation: from when, how long, until when, by which clause."""
    labels = labels.of_clock(clock)
    words = labels.speech
    length, own = labels.limit(clock)
    minimum = clock.bound == "min"
    cell = time_cell(words, clock.due, view.now, provisional=clock.provisional)
    if minimum:
        cell = {**cell, "nearness": "calm", "left": plain_minimum(words, clock, view)}
    return {
        "label": labels.timer(clock.kind),
        "length": length,
        "start": words.date(clock.start),
        "clause": labels.clause(clock.clause) if clock.clause else "",
        "own": own or not clock.clause,
        "minimum": minimum,
        "extended": len(clock.extended),
        "explained": explained_box(labels, clock, view),
        **cell,
    }


def plain_minimum(words: Speech, clock: Clock, view: CaseView) -> str:
    """Return how long a minimum still runs; passing its end is no lateness."""
    if is_over(clock, view.now):
        return words.say("ui.period_over")
    return words.left(clock.due, view.now)


def gate_rows(labels: Labels, view: CaseView, areas: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the gates in order with the steps of each: who signed last, and which one waits."""
    order = [*labels.compiled.order, *labels.compiled.alongside.values()]
    signed = [e for e in view.entries if e["actor"]["id"] != "system"]
    waiting = labels.compiled.step_at(view.case.state)
    behind = last_return(view.entries, labels)
    rows = []
    for gate in labels.compiled.definition.gates:
        steps = [
            step_row(labels, step, signers(signed, step, behind), waiting, areas, behind)
            for step in order
            if step.gate == gate
        ]
        rows.append({"label": labels.gate(gate), "steps": steps, "done": all(s["done"] for s in steps)})
    return rows


def last_return(entries: Sequence[Entry], labels: Labels) -> int:
    """Return the number of the last entry that sent the case back; earlier signatures of later steps are void."""
    places = {step.state: place for place, step in enumerate(labels.compiled.order)}
    back = [e["seq"] for e in entries if places.get(e["target"], 99) < places.get(e["source"], -1)]
    return int(back[-1]) if back else 0


def signers(entries: Sequence[Entry], step: Step, behind: int) -> list[Entry]:
    """Return the entries by which a step was signed in its last round, all signatures of it."""
    every = [e for e in entries if e["action"] == step.action]
    return [e for e in every if e["seq"] > behind] or every


def step_row(
    labels: Labels, step: Step, entries: Sequence[Entry], waiting: Step | None, areas: Mapping[str, str], behind: int
) -> dict[str, Any]:
    """Return one step of the way: signed by whom, waiting, or still to come."""
    places = {s.id: place for place, s in enumerate(labels.compiled.order)}
    ahead = waiting is not None and places.get(step.id, -1) >= places[waiting.id]
    entry = entries[-1] if entries else None
    void = entry is not None and ahead and entry["seq"] < behind
    signed = entry if entry is not None and not void else None
    present = waiting is not None and step.id == waiting.id
    actor = signed["actor"] if signed else {}
    return {
        "label": labels.step(step.id),
        "done": bool(signed) and not present,
        "present": present,
        "partial": present and bool(signed),
        "who": labels.speech.listed(list(dict.fromkeys(actor_name(labels.speech, e) for e in entries)))
        if signed
        else "",
        "role": labels.of_act(signed).speech.role(actor["role"]) if len(entries) == 1 and signed else "",
        "office": areas.get(actor.get("office", ""), ""),
        "at": labels.speech.date(signed["at"]) if signed else "",
        "roles": labels.speech.roles(step.roles),
    }


def main_actions(view: CaseView) -> set[str]:
    """Return what the case waits for from the reader: its step, else the acts that meet the nearest period."""
    may = [a for a in view.allowed if a.is_allowed]
    if view.compiled.step_at(view.case.state):
        return {a.action for a in may if isinstance(a.form, Step) and a.form.state == view.case.state}
    waited = view.compiled.waits_for(view.case.state)
    mine = [(a.action, a.form) for a in may if isinstance(a.form, Action) and a.office and a.office.role in waited]
    running = sorted((c for c in view.case.clocks.values() if c.bound == "max"), key=lambda c: c.due)
    timers = {timer.id: timer for timer in view.compiled.timers}
    met = ({name for name, form in mine if is_met_by(timers[c.kind], form)} for c in running if c.kind in timers)
    return next(filter(None, met), set())


def is_met_by(timer: Timer, form: Action) -> bool:
    """Tell whether a move does what a period waits for: named by it, or leaving the states in which it runs."""
    if form.id in (*timer.ends_on, *timer.fulfilled_by):
        return True
    return bool(timer.runs_in) and form.target not in ("@same", *timer.runs_in)


def action_row(labels: Labels, allowed: Allowed, view: CaseView, *, main: bool) -> dict[str, Any]:
    """Return something that may be done: a button to its form; what the case waits for is the main one."""
    return {
        "label": labels.action(allowed.action),
        "url": url_for("cases.form", number=view.case.number, action=allowed.action),
        "main": main,
        "warnings": [labels.condition(name) for name in allowed.warnings],
    }


def barred_row(labels: Labels, allowed: Allowed) -> dict[str, str]:
    """Return something that may not be done, and the sentence that says why."""
    sentence = refusal_sentence(labels.speech, allowed.refusal, labels) if allowed.refusal else ""
    return {
        "label": labels.action(allowed.action),
        "why": sentence,
        "code": allowed.refusal.code if allowed.refusal else "",
    }


def chain_rows(cases: Sequence[Case], words: Speech, present: str = "") -> list[dict[str, Any]]:
    """Return the chains of a household: status, assistance, earlier cases."""
    rows = []
    for case in cases:
        labels = labels_for(runtime().rules.machine_of(case), words)
        rows.append(
            {
                "url": url_for("cases.case", number=case.number),
                "number": case.number,
                "label": purpose(labels, case),
                "state": labels.state(case.state),
                "closed": case.closed,
                "present": case.number == present,
                "opened": words.date(case.opened_at),
            }
        )
    return rows
