"""What must hold of the whole space: every state is reached, left and brought to an end; help goes by the gates."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from workflows.definition import Action, Label
from workflows.machine import NEW
from workflows.prove.findings import Finding, written
from workflows.prove.parts import (
    AFTERCARE,
    ASSIST,
    CASE,
    EARLY,
    EARLY_TIMER,
    ELIMINATED,
    FIVE_GATES,
    MONITORED,
    NOTICE,
    NOTICE_STEP,
    POSTED,
    SEPARATE,
    STATUS,
    Fired,
    Hop,
    Part,
    guards_of,
    required_steps,
)
from workflows.prove.space import Space
from workflows.recount import ACTION as RECOUNT
from workflows.repin import ACTION as CHANGE_RULES


class Graph:
    """A space with its moves also backwards."""

    def __init__(self, space: Space) -> None:
        self.space, self.model = space, space.model
        self.back: list[list[int]] = [[] for _ in space.nodes]
        for place, moves in enumerate(space.moves):
            for _, reached in moves:
                self.back[reached].append(place)

    def edges(self) -> Iterator[tuple[int, Hop, int]]:
        """Yield every move with its nodes."""
        for place, moves in enumerate(self.space.moves):
            for hop, reached in moves:
                yield place, hop, reached

    def leading_to(self, goals: Iterable[int], inside: Callable[[int], bool] | None = None) -> set[int]:
        """Return the nodes from which one of some nodes is reached by nodes that lie inside."""
        found = set(goals)
        waiting = list(found)
        while waiting:
            for place in self.back[waiting.pop()]:
                if place not in found and (inside is None or inside(place)):
                    found.add(place)
                    waiting.append(place)
        return found

    def part(self, place: int, definition: str) -> Part | None:
        """Return a definition's case at a node."""
        index = self.model.index.get(definition)
        return None if index is None else self.space.nodes[place][index]

    def label(self, definition: str, purpose: str, state: str) -> Label:
        """Return the label of a state."""
        return self.model.compiled[definition, purpose].state_label(state)

    def finding(
        self, code: str, place: int, definition: str, last: Hop | None = None, **params: str | Label
    ) -> Finding:
        """Return a finding with the shortest way to a node as counter-example."""
        path = written(self.model, self.space.path(place, last), definition=CASE if CASE in self.model.index else "")
        return Finding(code, definition, key=("state", ""), params=params, path=path)


def check_reach(graph: Graph) -> Iterator[Finding]:
    """All findings about the space of one shape of pack."""
    yield from unreachable(graph)
    yield from unused(graph)
    yield from stuck(graph)
    yield from endless(graph)
    yield from around_the_gates(graph)
    yield from early_help(graph)
    yield from gates(graph)


def unreachable(graph: Graph) -> Iterator[Finding]:
    """A state that no case can reach, imports aside."""
    reached = {(f.definition, f.purpose, f.target) for place, hop, _ in graph.edges() if place < graph.space.native
               and not hop.opening for f in hop.chain}  # fmt: skip
    for (definition, purpose), compiled in graph.model.compiled.items():
        for state in compiled.states:
            if state != NEW and (definition, purpose, state) not in reached:
                yield Finding("unreachable_state", definition, key=("state", state), params={
                    "state": compiled.state_label(state), "id": state, "purpose": compiled.definition.purposes[purpose]
                })  # fmt: skip


def unused(graph: Graph) -> Iterator[Finding]:
    """A form that nobody can ever use: no role, no state, or a guard that never lets anybody pass."""
    for (definition, purpose), compiled in graph.model.compiled.items():
        for step in (*compiled.order, *compiled.alongside.values()):
            if (definition, purpose, step.action) not in graph.model.used:
                yield _idle(definition, step.action, step.label, compiled.definition.purposes[purpose])
        for action in compiled.definition.actions.values():
            used = any(d == definition and a == action.id for d, _, a in graph.model.used)
            records_lapse = action.system and action.records == "lapse" and action.target == "@same"
            is_by_the_way = action.opening or records_lapse or action.id in (CHANGE_RULES, RECOUNT)
            if not used and not is_by_the_way and not _is_left_out(graph, definition, action):
                yield _idle(definition, action.id, action.label, compiled.definition.label)


def _is_left_out(graph: Graph, definition: str, action: Action) -> bool:
    """Tell whether the pack omits an action, or all that led to it: ways to its states, or acts that call it."""
    here = [compiled for (name, _), compiled in graph.model.compiled.items() if name == definition]
    omitted = here[0].omitted
    if action.id in omitted:
        return True
    if omitted and not any(compiled.targets(action.id, state) for compiled in here for state in compiled.states):
        return True
    callers = [
        set(effect.on) <= compiled.omitted
        for compiled in graph.model.compiled.values()
        for effect in compiled.definition.effects
        if effect.definition == definition and action.id in effect.action
    ]
    return action.internal and bool(callers) and all(callers)


def _idle(definition: str, action: str, label: Label, purpose: Label) -> Finding:
    params: dict[str, str | Label] = {"action": label, "id": action, "purpose": purpose}
    return Finding("idle_action", definition, key=("action", action), params=params)


def stuck(graph: Graph) -> Iterator[Finding]:
    """A state other than a final one that can't be left."""
    for definition, index in graph.model.index.items():
        places: dict[tuple[str, str], set[int]] = defaultdict(set)
        for place, node in enumerate(graph.space.nodes):
            part = node[index]
            if part and not graph.model.compiled[definition, part.purpose].is_closed(part.state):
                places[part.purpose, part.state].add(place)
        left = defaultdict(set)
        for place, hop, _ in graph.edges():
            for fired in hop.chain:
                if fired.definition == definition and fired.source != fired.target:
                    left[fired.purpose, fired.source].add(place)
        for (purpose, state), here in places.items():
            free = graph.leading_to(left[purpose, state] & here, here.__contains__)
            if here - free:
                label = graph.label(definition, purpose, state)
                yield graph.finding("stuck_state", min(here - free), definition, state=label, id=state)


def endless(graph: Graph) -> Iterator[Finding]:
    """A state from which no final state of its case can be reached."""
    for definition, index in graph.model.index.items():
        compiled = {p: c for (d, p), c in graph.model.compiled.items() if d == definition}
        closing = {
            place
            for place, hop, _ in graph.edges()
            for f in hop.chain
            if f.definition == definition and f.source != f.target and compiled[f.purpose].is_closed(f.target)
        }
        ending = graph.leading_to(closing)
        told: set[tuple[str, str]] = set()
        for place, node in enumerate(graph.space.nodes):
            part = node[index]
            if part is None or place in ending or compiled[part.purpose].is_closed(part.state):
                continue
            if (part.purpose, part.state) not in told:
                told.add((part.purpose, part.state))
                label = compiled[part.purpose].state_label(part.state)
                yield graph.finding("no_final_state", place, definition, state=label, id=part.state)


# --- help goes by the gates ------------------------------------------------------------------------------------------
def _is_helping(state: str) -> bool:
    return state not in (NEW, "ended", *AFTERCARE)


def _begins_help(fired: Fired) -> bool:
    if fired.definition == ASSIST:
        return _is_helping(fired.target) and not _is_helping(fired.source)
    return fired.definition == STATUS and fired.target in MONITORED and fired.source not in MONITORED


def _ends_risk(fired: Fired) -> bool:
    return fired.definition == STATUS and fired.target in ELIMINATED and fired.source in MONITORED


def _missing(graph: Graph, hop: Hop, purpose: str) -> tuple[list[str], bool]:
    """The gate steps that a deciding move has not behind it, and whether the notice hung for its whole minimum."""
    first = hop.chain[0]
    compiled = graph.model.compiled[CASE, purpose]
    is_case = first.definition == CASE and first.purpose == purpose
    passed = first.passed if is_case else frozenset[str]()
    gates = compiled.definition.gates
    missing = [step.id for step in required_steps(compiled) if step.id not in passed]
    missing += [gate for gate in FIVE_GATES if gate not in gates]
    return missing, NOTICE in passed


def around_the_gates(graph: Graph) -> Iterator[Finding]:
    """Help without the five gates or the full notice (help first aside), and an elimination without them."""
    if CASE not in graph.model.index:
        return
    told: set[str] = set()
    for place, hop, _ in graph.edges():
        for code, fired, missing in _breaches(graph, hop):
            if code not in told:
                told.add(code)
                label = graph.label(fired.definition, fired.purpose, fired.target)
                yield graph.finding(code, place, CASE, hop, state=label, missing=", ".join(missing))


def _breaches(graph: Graph, hop: Hop) -> Iterator[tuple[str, Fired, list[str]]]:
    if hop.opening:
        return
    for fired in hop.chain:
        if _begins_help(fired):
            missing, full = _missing(graph, hop, "include")
            is_early = fired.definition == ASSIST and hop.chain[0].definition == CASE and hop.chain[0].action == EARLY
            if missing and not is_early:
                yield "help_without_gates", fired, missing
            elif not full and not is_early:
                yield "help_without_notice", fired, [NOTICE_STEP]
        if _ends_risk(fired):
            missing, full = _missing(graph, hop, "eliminate")
            if missing:
                yield "exit_without_gates", fired, missing
            elif not full:
                yield "exit_without_notice", fired, [NOTICE_STEP]


def early_help(graph: Graph) -> Iterator[Finding]:
    """Help first (the declared exception): it is timed, the procedure can be completed, and it ends with a refusal."""
    if not {CASE, ASSIST, STATUS} <= graph.model.index.keys():
        return
    early = [place for place in range(graph.space.native) if _is_early(graph, place)]
    decided = {
        place for place, hop, _ in graph.edges() if any(_begins_help(f) and f.definition == STATUS for f in hop.chain)
    }
    inside = {place for place in early if _is_at_step(graph, place)}
    able = graph.leading_to(decided & inside, inside.__contains__)
    for code, places in (
        ("early_help_left", [p for p in early if not _is_open(graph, p)]),
        ("early_help_untimed", [p for p in inside if not _part(graph, p).phase(EARLY_TIMER)]),
        ("early_help_endless", [p for p in inside if p not in able]),
    ):
        if places:
            yield graph.finding(code, min(places), CASE, state=_case_label(graph, min(places)))


def _is_early(graph: Graph, place: int) -> bool:
    assist, status = graph.part(place, ASSIST), graph.part(place, STATUS)
    return bool(assist and _is_helping(assist.state) and not (status and status.state in MONITORED))


def _part(graph: Graph, place: int) -> Part:
    part = graph.part(place, CASE)
    return part or Part("include", NEW)


def _is_open(graph: Graph, place: int) -> bool:
    part = graph.part(place, CASE)
    return bool(part and part.purpose == "include" and not graph.model.compiled[CASE, "include"].is_closed(part.state))


def _is_at_step(graph: Graph, place: int) -> bool:
    return (
        _is_open(graph, place) and graph.model.compiled[CASE, "include"].step_at(_part(graph, place).state) is not None
    )


def _case_label(graph: Graph, place: int) -> Label:
    part = _part(graph, place)
    return {"zh": "—", "en": "—"} if part.state == NEW else graph.label(CASE, part.purpose, part.state)


def gates(graph: Graph) -> Iterator[Finding]:
    """Five gates, each with its step; entry and exit go through the same steps and minimums (怎么进怎么出)."""
    compiled = {purpose: c for (name, purpose), c in graph.model.compiled.items() if name == CASE}
    if not compiled:
        return
    definition = next(iter(compiled.values())).definition
    missing = [gate for gate in FIVE_GATES if gate not in definition.gates]
    missing += [g for g in FIVE_GATES if not any(s.gate == g and s.required for s in definition.steps.values())]
    missing += [
        step for step in (POSTED, NOTICE_STEP) if step not in definition.steps or not definition.steps[step].required
    ]
    for gate in dict.fromkeys(missing):
        yield Finding("gate_missing", CASE, key=("gate", gate), params={"gate": gate})
    for gate in SEPARATE:
        if gate in definition.gates and gate not in definition.separate_hands:
            yield Finding("hands_not_separate", CASE, key=("gate", gate), params={"gate": definition.gates[gate].label})
    walked = {
        purpose: [(s.gate, s.id, *_minimums(s, purpose)) for s in required_steps(c)] for purpose, c in compiled.items()
    }
    first, *others = walked
    for other in others:
        for here, there in ((first, other), (other, first)):
            extra = [row for row in walked[here] if row not in walked[there]]
            if extra:
                yield Finding("gates_differ", CASE, key=("step", extra[0][1]), params={
                    "step": definition.steps[extra[0][1]].label if extra[0][1] in definition.steps else extra[0][1],
                    "here": definition.purposes[here], "there": definition.purposes[there],
                })  # fmt: skip
                return


def _minimums(step: object, purpose: str) -> tuple[str, ...]:
    specs = guards_of(step, purpose)  # type: ignore[arg-type]
    return tuple(str(spec["timer"]) for spec in specs if spec["guard"] == "minimum_elapsed")
