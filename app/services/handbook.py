"""The handbook: for every gate in order what happens, who signs, by when, with what, under which clause."""

from collections.abc import Iterable, Sequence
from typing import Any

from app.labels import Speech
from app.services.drawing import diagram
from app.services.guide import Guide, guides, head_of
from workflows.clocks import mode_of
from workflows.definition import Action, Step, Timer
from workflows.duties import in_force
from workflows.ladder import END, parse_ladder, with_early
from workflows.limits import Limit
from workflows.machine import NEW
from workflows.model import Clock
from workflows.outline import Deed, Period
from workflows.policy import Aside, Omission, Pack, named_rules
from workflows.registry import Rules

# These guards are told with those who step aside.
OF_HANDS = ("outsider", "fresh_hand")


def handbook(words: Speech, pack: Pack, rules: Rules) -> dict[str, Any]:
    """Return the handbook of a pack as plain values; pages and paper show the same."""
    found = guides(words, pack, rules)
    parts = _parts(found)
    gates = next(guide for guide in found if guide.compiled.order)
    out = next((g for g in found if any(_asks_conditions(d) for d in g.deeds)), gates)
    more = [_conditions(out), _parameters(gates), _duties(gates), _targets(gates), _reminders(found), _forbidden(found)]
    more = [section for section in more if section["rows"]]
    for number, section in enumerate(more, start=len(parts) + 1):
        section["heading"] = gates.say("part", number=_number(words, number), title=section["heading"])
    cited = {source for guide in found for source in guide.cited} | {c.partition(" ")[0] for c in _clauses(pack)}
    return {
        "lang": words.lang,
        "head": head_of(words, pack),
        "title": words.say("rules.handbook_of", place=words.pick(pack.label, pack.id)),
        "under": words.say("rules.handbook_under"),
        "intro": [words.say(f"rules.hb_intro_{n}") for n in (1, 2, 3)],
        "facts": _facts(words, pack),
        "contents": words.say("rules.contents"),
        "drawing": words.say("rules.drawing"),
        "parts": parts,
        "more": more,
        "sources_head": words.say("rules.sources"),
        "sources": gates.sources(s for s in pack.sources if s in cited) or [words.say("rules.no_source")],
    }


def _clauses(pack: Pack) -> Iterable[str]:
    yield from (row.clause for _, row in named_rules(pack) if row.clause)
    yield from (row.clause for row in pack.sequences if row.clause)


def _facts(words: Speech, pack: Pack) -> list[dict[str, str]]:
    head = head_of(words, pack)
    area = pack.area or words.say("rules.whole_nation")
    rows = (("pack", f"{head['label']}{words.aside(pack.id)}"), ("area", area), ("digest", head["digest"]),
            ("effective", head["effective"]), ("as_of", head["as_of"]))  # fmt: skip
    return [{"label": words.say(f"rules.{name}"), "value": value} for name, value in rows]


def _number(words: Speech, number: int) -> str:
    return (
        "零一二三四五六七八九十"[number]
        if words.lang == "zh" and number <= len("一二三四五六七八九十")
        else str(number)
    )


# --- one machine
def _parts(found: Sequence[Guide]) -> list[dict[str, Any]]:
    """One part a machine; what a second purpose of a definition has alike is named there and not told again."""
    parts: list[dict[str, Any]] = []
    told: dict[tuple[str, str], tuple[dict[str, Any], str]] = {}
    for number, guide in enumerate(found, start=1):
        part = _part(guide, number)
        for section in part["sections"]:
            _name_alike(guide, section, told)
            for item in section["items"]:
                told.setdefault((guide.compiled.definition.id, item["id"]), (item, part["heading"]))
        parts.append(part)
    return parts


def _name_alike(guide: Guide, section: dict[str, Any], told: dict[tuple[str, str], tuple[dict[str, Any], str]]) -> None:
    definition = guide.compiled.definition.id
    alike = [i for i in section["items"] if told.get((definition, i["id"]), (None, ""))[0] == i]
    if alike:
        heading = told[definition, alike[0]["id"]][1]
        names = guide.words.listed([i["heading"] for i in alike])
        section["alike"] = guide.say("alike", part=heading, names=names)
        section["items"] = [i for i in section["items"] if i not in alike]


def _part(guide: Guide, number: int) -> dict[str, Any]:
    sections = [*_gates(guide), *_others(guide)]
    return {
        "id": f"{guide.compiled.definition.id}-{guide.compiled.purpose}",
        "heading": guide.say("part", number=_number(guide.words, number), title=guide.title),
        "digest": guide.compiled.definition.digest[:12],
        "drawing": diagram(guide),
        "through": [guide.through(p, row) for p in guide.periods if not guide.is_local(p) for row in p.limits],
        "through_head": guide.say("through_head"),
        "sections": [s for s in sections if s["items"]],
    }


def _gates(guide: Guide) -> Iterable[dict[str, Any]]:
    """One section a gate, with its steps in order; the start of a case stands before the first."""
    opening = [d for d in guide.deeds if NEW in d.sources and d.asker == "people"]
    if guide.compiled.order and opening:
        head = guide.say("begins", action=guide.words.listed([guide.action(d) for d in opening]))
        yield {"heading": head, "intro": "", "alike": "", "items": [_item(guide, d) for d in opening]}
    for number, gate in enumerate(guide.compiled.definition.gates, start=1):
        deeds = [d for d in guide.deeds if isinstance(d.form, Step) and d.form.gate == gate]
        heading = guide.say("gate_head", number=number, gate=guide.labels.gate(gate))
        yield {"heading": heading, "intro": "", "alike": "", "items": [_item(guide, d) for d in deeds]}


def _others(guide: Guide) -> Iterable[dict[str, Any]]:
    rest = [d for d in guide.deeds if isinstance(d.form, Action)]
    people = [d for d in rest if d.asker == "people" and not (guide.compiled.order and NEW in d.sources)]
    items = [_item(guide, d) for d in people]
    yield {"heading": guide.say("sides"), "intro": guide.say("sides_intro"), "alike": "", "items": items}
    by_itself = [d for d in rest if d.asker != "people"]
    yield {"heading": guide.say("by_itself"), "intro": "", "alike": "", "items": [_item(guide, d) for d in by_itself]}


def _item(guide: Guide, deed: Deed) -> dict[str, Any]:
    """One step or action: a heading and labelled lines."""
    rows = [
        ("what", _what(guide, deed)),
        ("from_states", [] if isinstance(deed.form, Step) else [_when_open(guide, deed)]),
        (
            "by" if isinstance(deed.form, Step) else "by_act",
            [guide.who(deed), *([guide.quorum()] if deed.form.sign.get("mode") == "vote" else [])],
        ),
        ("when", _limits(guide, deed)),
        ("fill", _fields(guide, deed)),
        ("files", _evidence(guide, deed)),
        ("needs", _needs(guide, deed)),
        ("aside", [guide.bar(bar) for bar in deed.bars]),
        ("after", _after(guide, deed)),
        ("ground", _grounds(guide, deed)),
    ]
    said = [{"label": guide.say(key), "texts": texts} for key, texts in rows if texts]
    return {"id": deed.id, "heading": guide.action(deed), "rows": said}


def _what(guide: Guide, deed: Deed) -> list[str]:
    definition = guide.compiled.definition.id
    name = deed.form.id
    key = f"rules.tells.{definition}.{name}"
    if guide.words.knows(key):
        return [guide.words.say(key)]
    if isinstance(deed.form, Step):
        return [guide.say("generic_what", action=guide.action(deed))]
    if not deed.targets:
        return [guide.say("generic_record", action=guide.action(deed))]
    return [guide.say("generic_move", action=guide.action(deed), state=guide.states(deed.targets))]


def _when_open(guide: Guide, deed: Deed) -> str:
    states = [s for s in guide.compiled.states if s != NEW]
    opened = [s for s in states if not guide.compiled.is_closed(s)]
    if set(deed.sources) == set(states):
        return guide.say("every_state")
    if set(deed.sources) == set(opened):
        return guide.say("every_open_state")
    inside = [s for s in deed.sources if s != NEW]
    said = [guide.say("new_case")] if NEW in deed.sources else []
    said += [guide.say("in_states", states=guide.states(inside))] if inside else []
    return guide.words.listed(said)


def _limits(guide: Guide, deed: Deed) -> list[str]:
    """The periods that this action answers, with where they begin."""
    if isinstance(deed.form, Step):
        beside = deed.form.id in guide.compiled.alongside
        mine = [
            p
            for p in guide.periods
            if (p.step == deed.form.id if beside else deed.form.state in p.states and not p.step)
        ]
    else:
        mine = [p for p in guide.periods if deed.id in (*p.timer.ends_on, *p.timer.fulfilled_by)]
        mine += [p for p in guide.periods if p not in mine and _leaves(deed, p)]
    rows = [(p, row) for p in mine for row in p.limits if isinstance(deed.form, Step) or row.bound == "max"]
    said = [f"{guide.limit(p, row)}{_joint(guide)}{_begin(guide, p)}" for p, row in rows]
    return said or ([guide.say("no_period")] if isinstance(deed.form, Step) else [])


def _leaves(deed: Deed, period: Period) -> bool:
    """Tell whether a person's action ends a period by leaving every state in which it runs."""
    runs = set(period.states)
    leaves = bool(deed.targets) and not runs & set(deed.targets)
    return deed.asker == "people" and bool(runs) and set(deed.sources) <= runs and leaves


def _joint(guide: Guide) -> str:
    return "，" if guide.words.lang == "zh" else ", "


def _begin(guide: Guide, period: Period) -> str:
    timer, known = period.timer, {d.id for d in guide.deeds}
    if timer.counted_from:
        return guide.say("begins_field", field=guide.labels.field(timer.counted_from))
    begun = [guide.labels.action(name) for name in timer.starts_on if name in known]
    if begun:
        return guide.say("begins_at", action=guide.words.listed(begun))
    return guide.say("begins_in", states=guide.states(period.states))


def _fields(guide: Guide, deed: Deed) -> list[str]:
    form = deed.form
    asked = [n for n in form.fields if _is_asked(guide, n)]
    needed = [guide.labels.field(n) for n in asked if n not in form.optional]
    free = [guide.labels.field(n) for n in asked if n in form.optional]
    said = [guide.words.listed(needed)] if needed else []
    return [*said, *([guide.say("may_be_empty", names=guide.words.listed(free))] if free else [])]


def _is_asked(guide: Guide, name: str) -> bool:
    purposes = guide.compiled.fields[name].purposes
    return not purposes or guide.compiled.purpose in purposes


def _evidence(guide: Guide, deed: Deed) -> list[str]:
    kinds = [guide.say("any_file") if k == "@any" else guide.labels.evidence(k) for k in deed.form.evidence]
    if kinds:
        return [guide.words.listed(kinds)]
    return [guide.say("nothing_to_hand_in")] if isinstance(deed.form, Step) else []


def _needs(guide: Guide, deed: Deed) -> list[str]:
    purpose = guide.compiled.purpose
    mine = [dict(g) for g in deed.form.guards if purpose in g.get("purposes", (purpose,))]
    return [_guard(guide, g) for g in mine if g["guard"] not in OF_HANDS]


def _guard(guide: Guide, spec: dict[str, Any]) -> str:
    name = spec["guard"]
    if not guide.words.knows(f"rules.guard_{name}"):
        return guide.say("guard_other", guard=name)
    params: dict[str, str] = {}
    if "timer" in spec:
        period = next((p for p in guide.periods if p.timer.id == spec["timer"]), None)
        rows = period.limits if period else ()
        params["timer"] = guide.labels.timer(spec["timer"])
        params["limit"] = guide.words.listed([guide.length(row) for row in rows])
        params["cite"] = guide.words.listed(list(dict.fromkeys(guide.cite(row) for row in rows)))
    if "states" in spec:
        known = guide.rules.definitions["monitor_status"].states
        params["states"] = guide.words.listed([guide.words.pick(known[s].label, s) for s in spec["states"]])
    if "definition" in spec:
        params["definition"] = guide.words.pick(guide.rules.definitions[spec["definition"]].label)
    return guide.say(f"guard_{name}", **params)


def _after(guide: Guide, deed: Deed) -> list[str]:
    said = [_destination(guide, deed)]
    for effect in guide.compiled.definition.effects:
        if deed.id in effect.on and (not effect.purposes or guide.compiled.purpose in effect.purposes):
            other = guide.rules.definitions[effect.definition]
            names = [guide.words.pick(other.actions[a].label, a) for a in effect.action]
            said.append(guide.say("effect", definition=guide.words.pick(other.label), action=guide.words.listed(names)))
    return said


def _destination(guide: Guide, deed: Deed) -> str:
    if not deed.targets:
        return guide.say("stays")
    if len(deed.targets) == 1:
        return guide.say("leads_to", state=guide.states(deed.targets))
    form = deed.form
    home = isinstance(form, Action) and form.target.startswith("@came_from:")
    if home:
        return guide.say("leads_to", state=guide.say("came_from"))
    return guide.say("leads_to_choice", states=guide.states(deed.targets))


def _grounds(guide: Guide, deed: Deed) -> list[str]:
    """The clauses on which place and signature of a step stand; limits name theirs themselves."""
    pack, form = guide.pack, deed.form
    if not isinstance(form, Step):
        return []
    order = pack.sequence(guide.compiled.definition.id, guide.compiled.purpose)
    placed = guide.say("own_place") if not order.clause or form.id in order.own else guide.clause(order.clause)
    rows = [
        r for r in pack.signatures if r.step == form.id and (not r.purposes or guide.compiled.purpose in r.purposes)
    ]
    return list(dict.fromkeys([placed, *(guide.cite(row) for row in rows)]))


# --- what holds for all of them
def _asks_conditions(deed: Deed) -> bool:
    asked = (g for g in deed.form.guards if g["guard"] == "elimination_conditions")
    return any("eliminate" in g.get("purposes", ("eliminate",)) for g in asked)


def _section(guide: Guide, name: str, rows: list[list[str]], columns: Sequence[str] = ()) -> dict[str, Any]:
    intro = f"{name}_intro"
    text = guide.say(intro) if guide.words.knows(f"rules.{intro}") else ""
    return {"heading": guide.say(name), "intro": text, "columns": [guide.say(c) for c in columns], "rows": rows}


def _conditions(guide: Guide) -> dict[str, Any]:
    rows = []
    for condition in guide.pack.conditions:
        modes = [guide.option("elimination_mode", mode) for mode in condition.modes]
        only = guide.words.aside(guide.say("condition_mode", modes=guide.words.listed(modes))) if modes else ""
        label = guide.words.pick(condition.label, condition.id)
        rows.append([label + only, guide.words.say(f"effect.{condition.effect}"), guide.cite(condition)])
    return _section(guide, "conditions", rows, ("needs", "col_value", "ground"))


def _parameters(guide: Guide) -> dict[str, Any]:
    names = dict.fromkeys(p.id for p in guide.pack.parameters)
    rows = []
    for name in names:
        try:
            held = guide.pack.parameter(name, guide.words.day)
        except KeyError:
            continue
        rows.append([guide.parameter(name), guide.value(name, held.value), guide.cite(held)])
    return _section(guide, "parameters", rows, ("parameters", "col_value", "ground"))


def _duties(guide: Guide) -> dict[str, Any]:
    rows = [
        [
            guide.words.pick(row.label, row.id),
            guide.doers(row),
            guide.words.pick(row.whom) or "—",
            guide.often(row),
            guide.cite(row),
        ]
        for row in in_force(guide.pack.duties, guide.words.day)
    ]
    return _section(guide, "duties", rows, ("col_what", "by_act", "col_whom", "col_often", "ground"))


def _targets(guide: Guide) -> dict[str, Any]:
    held = in_force(guide.pack.targets, guide.words.day)
    rows = [[guide.words.pick(row.label, row.id), guide.figure(row), guide.cite(row)] for row in held]
    return _section(guide, "targets", rows, ("col_what", "col_value", "ground"))


def _reminders(found: Sequence[Guide]) -> dict[str, Any]:
    rows: dict[tuple[str, ...], None] = {}
    for guide in found:
        for period in guide.periods:
            for limit in period.limits:
                percents = guide.words.listed([f"{p}%" for p in _early(guide, limit)])
                name = guide.labels.timer(period.timer.id)
                early = "—" if limit.bound == "min" else guide.say("warned_at", percents=percents)
                rows[name, guide.length(limit), early, _ending(guide, period.timer, limit)] = None
    return _section(
        found[0], "reminders", [list(row) for row in rows], ("kind_timer", "kind_limit", "reminders", "after")
    )


def _early(guide: Guide, limit: Limit) -> list[int]:
    steps = parse_ladder(with_early(guide.pack.ladder(guide.words.day), limit.warn))
    return [step.percent for step in steps if step.percent < END]


def _ending(guide: Guide, timer: Timer, limit: Limit) -> str:
    mode = mode_of(timer, Clock(timer.id, 1, "", "", limit.bound, limit.clause, provisional=False))
    key = {"lapse": "max", "reached": "min"}.get(mode, mode)
    return guide.say(f"reminder_{key}", action=guide.labels.action(timer.fires))


def _forbidden(found: Sequence[Guide]) -> dict[str, Any]:
    guide = next(g for g in found if g.compiled.order)
    definition, pack = guide.compiled.definition, guide.pack
    helpers = [guide.labels.gate(g) for g in definition.helpers_step_aside]
    helpers += [
        guide.named("helper_steps_aside", s) for s in pack.parameter("helper_steps_aside", guide.words.day).value
    ]
    said = [
        guide.say("forbid_skip"),
        guide.say("forbid_hands", gates=guide.gates(definition.separate_hands)),
        guide.say("forbid_helper", gates=guide.words.listed(helpers)),
        *(_aside(guide, row) for row in pack.aside),
        *_too_early(found),
        guide.say("forbid_own"),
        guide.say("forbid_area"),
        guide.say("forbid_clock"),
        guide.say("forbid_delete"),
        *(_omitted(guide, row) for row in pack.omitted),
    ]  # fmt: skip
    return _section(guide, "forbidden", [[text] for text in dict.fromkeys(said)])


def _too_early(found: Sequence[Guide]) -> Iterable[str]:
    """One sentence for each minimum that holds back an action."""
    for guide in found:
        held = {p.timer.id: p for p in guide.periods}
        asked = [(d, g["timer"]) for d in guide.deeds for g in d.form.guards if g["guard"] == "minimum_elapsed"]
        for deed, timer in asked:
            for row in held[timer].limits if timer in held else ():
                limit = f"{guide.title}{'' if guide.words.lang == 'zh' else ' '}{guide.length(row)}"
                yield guide.say(
                    "forbid_early",
                    timer=guide.labels.timer(timer),
                    limit=limit,
                    action=guide.action(deed),
                    cite=guide.cite(row),
                )


def _aside(guide: Guide, row: Aside) -> str:
    gates = guide.gates(row.at)
    return guide.say("forbid_aside", signed=guide.labels.gate(row.signed), gates=gates, cite=guide.cite(row))


def _omitted(guide: Guide, row: Omission) -> str:
    action = guide.words.pick(guide.rules.definitions[row.definition].actions[row.action].label, row.action)
    return guide.say("forbid_omitted", action=action, cite=guide.cite(row))
