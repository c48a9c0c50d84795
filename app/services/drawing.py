"""What a workflow's diagram shows, as plain values: boxes down the spine, side states, ways, and where a case is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.services.guide import Guide, head_of
from workflows.definition import CAME_FROM, Action, Step
from workflows.machine import NEW
from workflows.model import Case
from workflows.outline import Deed

MOST_SOURCES = 6
MOST_TARGETS = 4
Pair = tuple[str, str]
Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Track:
    """Where a case is and how it came there; empty for the diagram of a definition alone."""

    state: str = ""
    closed: bool = False
    entries: tuple[Entry, ...] = ()


def track_of(case: Case, entries: Sequence[Entry]) -> Track:
    """Return the track of a case from its row and its entries, oldest first."""
    return Track(case.state, case.closed, tuple(entries))


def diagram(guide: Guide, track: Track | None = None) -> dict[str, Any]:
    """Return the values that ``reports.diagram`` draws, and that the text beneath repeats."""
    return _Diagram(guide, track or Track()).values()


class _Diagram:
    """Collects one diagram; ``spine`` are the states downwards, all others stand aside."""

    def __init__(self, guide: Guide, track: Track) -> None:
        self.guide, self.track = guide, track
        compiled = guide.compiled
        open_states = [s for s in compiled.states if not compiled.is_closed(s) and s != NEW]
        self.has_steps = bool(compiled.order)
        self.spine = [NEW, *(s.state for s in compiled.order), "concluded"] if self.has_steps else [NEW, *open_states]
        self.side = [s for s in compiled.states if s not in self.spine]
        self.place = {state: index for index, state in enumerate(self.spine)}
        self.flows: dict[Pair, list[Deed]] = {}
        self.ways: list[dict[str, Any]] = []
        self.anytime: list[Deed] = []
        self._sort()

    # --- which arrows are plain steps, which are ways of their own
    def _sort(self) -> None:
        ways: dict[tuple[str, ...], list[tuple[Deed, list[Pair]]]] = {}
        for deed in self.guide.deeds:
            if deed.asker == "opening" or deed.id == "lapse":
                continue
            pairs = [(s, t) for s in deed.sources for t in self._targets(deed, s) if t != s]
            plain = [pair for pair in pairs if self._is_next(pair) and not _goes_back_home(deed)]
            for pair in plain:
                self.flows.setdefault(pair, []).append(deed)
            rest = [pair for pair in pairs if pair not in plain]
            if isinstance(deed.form, Step):
                continue
            if self._is_anytime(deed, rest):
                self.anytime.append(deed)
                continue
            for back in (True, False):
                part = [p for p in rest if self._is_back(p) is back]
                if part:
                    targets = tuple(dict.fromkeys(t for _, t in part))
                    key = (str(back), *targets) if not back else (str(back), deed.id)
                    ways.setdefault(key, []).append((deed, part))
        self.ways = [self._way(parts) for parts in ways.values()]

    def _targets(self, deed: Deed, state: str) -> tuple[str, ...]:
        return self.guide.compiled.targets(deed.id, state)

    def _is_next(self, pair: Pair) -> bool:
        source, target = pair
        return self.place.get(target, -9) == self.place.get(source, -99) + 1

    def _is_back(self, pair: Pair) -> bool:
        source, target = pair
        return source in self.place and target in self.place and self.place[target] < self.place[source]

    def _is_anytime(self, deed: Deed, pairs: Sequence[Pair]) -> bool:
        sources = {s for s, _ in pairs if s in self.place}
        targets = {t for _, t in pairs}
        if not deed.targets:
            return True
        few = self.has_steps and len(sources) <= min(MOST_SOURCES - 1, len(self.spine) // 2)
        is_return = self.has_steps and all(self._is_back(p) for p in pairs)
        if _goes_back_home(deed):
            return True
        many = not self.has_steps and (len(targets) > MOST_TARGETS or len(sources) > MOST_TARGETS)
        return many or (self.has_steps and not few and not is_return)

    def _way(self, parts: Sequence[tuple[Deed, list[Pair]]]) -> dict[str, Any]:
        guide = self.guide
        pairs = [pair for _, part in parts for pair in part]
        targets = list(dict.fromkeys(t for _, t in pairs))
        deeds = [deed for deed, _ in parts]
        who = guide.words.listed(list(dict.fromkeys(r for d in deeds for r in self._who(d))))
        actions = guide.words.listed([guide.action(deed) for deed in deeds])
        back = self._is_back(pairs[0])
        names = guide.states(targets)
        key = "way_back" if back and self.has_steps else "way_by"
        taken = {(e["source"] or NEW, e["target"]) for e in self.track.entries if e["action"] in {d.id for d in deeds}}
        return {
            "label": guide.say(key, action=actions, targets=names, who=who),
            "sources": list(dict.fromkeys(s for s, _ in pairs)),
            "targets": targets,
            "back": back,
            "taken": bool(taken & set(pairs)),
        }

    def _who(self, deed: Deed) -> list[str]:
        return [self.guide.words.role(r) for r in deed.everybody] if deed.asker == "people" else [self.guide.who(deed)]

    # --- boxes
    def values(self) -> dict[str, Any]:
        """Return everything."""
        guide = self.guide
        head = head_of(guide.words, guide.pack)
        boxes = [*self._spine_boxes(), *(self._side_box(s) for s in self.side)]
        notes = [n for n in (self._through(), self._anytimes()) if n["lines"]]
        cited = {"head": guide.say("sources_head"), "lines": guide.sources(guide.cited)}
        desc = guide.say("drawing_desc")
        if self.track.state:
            desc += guide.say("drawing_now", state=guide.labels.state(self.track.state))
        return {
            "lang": guide.words.lang,
            "title": f"{head['label']} {guide.title}",
            "under": head["line"],
            "desc": desc,
            "boxes": boxes,
            "ways": self.ways,
            "ways_head": guide.say("ways_head"),
            "notes": [*notes, *([cited] if cited["lines"] else [])],
            "path": self._path(),
        }

    def _spine_boxes(self) -> Iterable[dict[str, Any]]:
        yield self._start()
        compiled = self.guide.compiled
        for state in self.spine[1:]:
            step = compiled.step_at(state)
            if step:
                yield self._step_box(step, state)
                yield from (self._beside_box(s, state) for s in compiled.beside(state))
            else:
                yield self._state_box(state)

    def _start(self) -> dict[str, Any]:
        guide = self.guide
        opening = [d for d in guide.deeds if NEW in d.sources and d.asker != "opening"]
        title = guide.words.listed([guide.action(d) for d in opening])
        box = self._box(NEW, "start", guide.say("begins", action=title) if opening else guide.say("begins_state"))
        who = dict.fromkeys(guide.say("who_acts", who=guide.who(deed)) for deed in opening)
        box["lines"] = [_line(text, "who") for text in who]
        return box

    def _step_box(self, step: Step, state: str) -> dict[str, Any]:
        guide = self.guide
        box = self._box(state, "step", guide.words.pick(step.label, step.id), group=self._gate(step.gate))
        box["lines"] = self._step_lines(step, guide.limits_at(state))
        return box

    def _beside_box(self, step: Step, state: str) -> dict[str, Any]:
        guide = self.guide
        title = guide.say("beside", action=guide.words.pick(step.label, step.id))
        # It stands on the ground of the gate beside whose step it runs.
        neighbour = guide.compiled.step_at(state)
        box = self._box(f"beside {step.id}", "beside", title, group=self._gate(neighbour.gate if neighbour else ""))
        box["lines"] = self._step_lines(step, guide.limits_at(state, step.id))
        done = [e for e in self.track.entries if e["action"] == step.action]
        if done:
            box["mark"], box["note"] = "done", guide.say("done", day=guide.words.date(done[-1]["at"]))
        return box

    def _step_lines(self, step: Step, limits: Sequence[str]) -> list[dict[str, str]]:
        guide = self.guide
        lines = [_line(guide.say("who", who=guide.who(guide.deed(step.action))), "who")]
        if step.sign.get("mode") == "vote":
            lines.append(_line(guide.quorum(), "limit"))
        return [*lines, *(_line(text, "limit") for text in limits)]

    def _state_box(self, state: str) -> dict[str, Any]:
        """A state of a machine without steps; of one with steps only its good end."""
        closed = self.guide.compiled.is_closed(state)
        box = self._box(state, "end" if closed else "state", self.guide.labels.state(state))
        box["lines"] = self._state_lines(state)
        before = self.spine[self.place[state] - 1]
        box["arrow"] = closed or (before, state) in self.flows
        return box

    def _side_box(self, state: str) -> dict[str, Any]:
        kind = "closed" if self.guide.compiled.is_closed(state) else "side"
        box = self._box(state, kind, self.guide.labels.state(state), side=True)
        box["lines"] = self._state_lines(state)
        return box

    def _state_lines(self, state: str) -> list[dict[str, str]]:
        guide = self.guide
        lines = [_line(text, "limit") for text in guide.limits_at(state)]
        roles = guide.compiled.waits_for(state)
        if roles:
            lines.insert(0, _line(guide.say("who_acts", who=guide.roles(roles)), "who"))
        for (source, target), deeds in self.flows.items():
            if source == state and not self.has_steps:
                lines += [_line(f"↓ {guide.action(d)}{guide.words.aside(guide.who(d))}", "other") for d in deeds]
            del target
        return lines

    def _gate(self, gate: str) -> str:
        gates = list(self.guide.compiled.definition.gates)
        if gate not in gates:
            return ""
        return self.guide.say("gate_number", number=gates.index(gate) + 1, gate=self.guide.labels.gate(gate))

    def _box(self, key: str, kind: str, title: str, *, group: str = "", side: bool = False) -> dict[str, Any]:
        mark, note = self._mark(key, side=side)
        taken = mark == "done" or (mark == "now" and not side and key != NEW)
        return {
            "key": key, "kind": kind, "title": title, "group": group, "side": side, "lines": [], "mark": mark,
            "note": note, "taken": taken, "arrow": True,
        }  # fmt: skip

    # --- the case in it
    def _mark(self, state: str, *, side: bool) -> tuple[str, str]:
        guide, track = self.guide, self.track
        if not track.state:
            return "", ""
        arrived = [e["at"] for e in track.entries if e["target"] == state and e["source"] != state]
        if state == track.state:
            if track.closed and arrived:
                return "done", guide.say("done", day=guide.words.date(arrived[-1]))
            return "now", guide.say("now", day=guide.words.date(arrived[-1])) if arrived else guide.say("now_undated")
        left = [e["at"] for e in track.entries if (e["source"] or NEW) == state and e["target"] != state]
        if left and (side or not self.has_steps):
            return "done", guide.say("been", day=guide.words.date(left[-1]))
        if left and self.place[state] < self._reached():
            return "done", guide.say("done", day=guide.words.date(left[-1]))
        return ("next", guide.say("following")) if state in self._following() else ("", "")

    def _reached(self) -> int:
        """How far down the spine the case is now: a side state counts as where it was left from."""
        on_spine = [e["target"] for e in self.track.entries if e["target"] in self.place]
        return self.place.get(self.track.state, self.place[on_spine[-1]] if on_spine else 0)

    def _following(self) -> set[str]:
        """The states that the case can reach with what it waits for."""
        state = self.track.state
        if self.track.closed:
            return set()
        if state in self.place and self.has_steps:
            return set(self.spine[self.place[state] + 1 : self.place[state] + 2])
        named = {d.id for d in self.anytime}
        mine = [d for d in self.guide.deeds if state in d.sources and d.asker == "people" and d.id not in named]
        return {t for d in mine for t in self._targets(d, state)} - {state}

    def following(self) -> str:
        """Return what comes next in words."""
        return self.guide.states(sorted(self._following(), key=lambda s: self.place.get(s, len(self.place))))

    def _path(self) -> dict[str, Any]:
        """Return the moves so far in words, for the list beneath; nothing for a definition alone."""
        guide = self.guide
        moves = [e for e in self.track.entries if e["source"] != e["target"]]
        lines = [
            guide.say("path_line", day=guide.words.date(e["at"]), action=guide.labels.action(e["action"]),
                      state=guide.labels.state(e["target"]))
            for e in moves
        ]  # fmt: skip
        state = guide.labels.state(self.track.state) if self.track.state else ""
        following = self.following() if self.track.state else ""
        key = "where_now" if following else "where_ended"
        where = guide.say(key, state=state, following=following)
        return {"lines": lines, "where": where}

    # --- notes
    def _through(self) -> dict[str, Any]:
        guide = self.guide
        lines = [guide.through(p, row) for p in guide.periods if not guide.is_local(p) for row in p.limits]
        return {"head": guide.say("through_head"), "lines": lines}

    def _anytimes(self) -> dict[str, Any]:
        guide, lines = self.guide, []
        for deed in self.anytime:
            targets = guide.say("came_from") if _goes_back_home(deed) else guide.states(deed.targets)
            key = "anytime_to" if deed.targets else "anytime"
            lines.append(guide.say(key, action=guide.action(deed), who=guide.who(deed), targets=targets))
        return {"head": guide.say("anytime_head"), "lines": lines}


def _goes_back_home(deed: Deed) -> bool:
    """Tell whether an action leads to wherever the case came from: no single arrow says that."""
    return isinstance(deed.form, Action) and deed.form.target.startswith(CAME_FROM)


def _line(text: str, kind: str) -> dict[str, str]:
    return {"text": text, "kind": kind}
