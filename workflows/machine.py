"""The machine: gates of a definition and the order of a pack compiled into one shared ``transitions`` machine."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from transitions import Machine, MachineError

from workflows.definition import CAME_FROM, Action, Definition, Field, Label, Step, Timer, ensure_form
from workflows.errors import WrongState
from workflows.income import JUDGEMENT, PER_HEAD, sheet_fields
from workflows.policy import Pack, Signature
from workflows.tables import BadTable

NEW = "@new"
REPEATED = (
    "any",
    "all",
)  # sign modes that several people complete, each staying in the state until the last


class Row:
    """What ``transitions`` moves: only the state; never registered with the machine, so nothing is kept."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


@dataclass(frozen=True)
class Compiled:
    """A definition in the order of a pack for one purpose; shared by all cases of that kind."""

    definition: Definition
    pack: Pack
    purpose: str
    order: tuple[Step, ...]
    alongside: Mapping[str, Step]
    fields: Mapping[str, Field]
    evidence: Mapping[str, Label]
    timers: tuple[Timer, ...]
    machine: Machine
    omitted: frozenset[str] = frozenset()

    @property
    def states(self) -> tuple[str, ...]:
        """All states of this machine."""
        return tuple(self.machine.states)

    @property
    def forms(self) -> tuple[Step | Action, ...]:
        """The steps, those alongside with them, and the actions."""
        return (*self.order, *self.alongside.values(), *self.definition.actions.values())

    def step_at(self, state: str) -> Step | None:
        """Return the step whose completion a state waits for."""
        return self._steps_by_state.get(state)

    @cached_property
    def _steps_by_state(self) -> Mapping[str, Step]:
        return {step.state: step for step in reversed(self.order)}

    def step_of(self, action: str) -> Step | None:
        """Return the step that an action completes, also one that runs alongside."""
        return self._steps_by_action.get(action)

    @cached_property
    def _steps_by_action(self) -> Mapping[str, Step]:
        return {step.action: step for step in reversed((*self.order, *self.alongside.values()))}

    @cached_property
    def timers_by_id(self) -> Mapping[str, Timer]:
        """The timers by their names, in their order."""
        return {timer.id: timer for timer in self.timers}

    def beside(self, state: str) -> tuple[Step, ...]:
        """Return the steps that may be done while a state waits for something else."""
        step = self.step_at(state) if self.alongside else None
        return tuple(s for s in self.alongside.values() if step and self._beside_of(s) == step.id)

    def _beside_of(self, step: Step) -> str:
        return self.pack.sequence(self.definition.id, self.purpose).alongside[step.id]

    def waits_for(self, state: str) -> tuple[str, ...]:
        """Return the roles whom a state waits for, those of the steps alongside included."""
        step = self.step_at(state)
        if step:
            return tuple(dict.fromkeys((*step.roles, *(r for s in self.beside(state) for r in s.roles))))
        extra = self.definition.states.get(state)
        return extra.roles if extra else ()

    def current_roles(self, state: str) -> tuple[str, ...]:
        """Return the roles of the step or state itself, without steps alongside."""
        step = self.step_at(state)
        return step.roles if step else self.waits_for(state)

    def state_label(self, state: str) -> Label:
        """Return the label of a state."""
        step = self.step_at(state)
        return step.state_label if step else self.definition.states[state].label

    def gate_of(self, state: str) -> str:
        """Return the gate that a state belongs to, or an empty text."""
        step = self.step_at(state)
        if step:
            return step.gate
        extra = self.definition.states.get(state)
        return extra.gate if extra else ""

    def is_closed(self, state: str) -> bool:
        """Tell whether a case in this state is closed."""
        extra = self.definition.states.get(state)
        return bool(extra and extra.closed)

    def undoes(self, state: str, beside: str) -> bool:
        """Tell whether going to a state asks for a step alongside anew: its own gate, or one before, comes again."""
        gates = list(self.definition.gates)
        here = self.step_at(state)
        return here is not None and gates.index(here.gate) <= gates.index(self.alongside[beside].gate)

    def targets(self, action: str, state: str) -> tuple[str, ...]:
        """Return the states to which an action leads from a state; several when the person chooses one."""
        return self._targets.get((action, state), ())

    @cached_property
    def _targets(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """Destinations of the arrows of an action, those of its choices ("return>clue") with it, in their order."""
        found: dict[tuple[str, str], dict[str, None]] = {}
        for name, event in self.machine.events.items():
            for source, arrows in event.transitions.items():
                dests = found.setdefault((name.partition(">")[0], source), {})
                dests.update(dict.fromkeys(str(arrow.dest) for arrow in arrows))
        return {place: tuple(dests) for place, dests in found.items()}

    def fire(self, action: str, state: str, target: str) -> str:
        """Move a bare row by ``transitions`` and return where it arrives; raise WrongState when nothing leads there.

        Arrows have neither conditions nor callbacks, so the same move arrives at the same place whenever it is made.
        """
        move = (action, state, target)
        if move not in self._fired:
            self._fired[move] = self._fire(*move)
        return self._fired[move]

    @cached_property
    def _fired(self) -> dict[tuple[str, str, str], str]:
        return {}

    def _fire(self, action: str, state: str, target: str) -> str:
        several = f"{action}>{target}"
        trigger = several if several in self.machine.events else action
        row = Row(state)
        try:
            self.machine.events[trigger].trigger(row)
        except (KeyError, MachineError) as error:
            raise WrongState(action=action, state=state) from error
        return row.state


def compile_machine(definition: Definition, pack: Pack, purpose: str) -> Compiled:
    """Compile; raise BadTable when the pack's order breaks the definition's gates."""
    order, alongside = _steps(definition, pack, purpose)
    fields = _fields(definition, pack)
    evidence = {**definition.evidence, **pack.evidence}
    for step in (*order, *alongside.values()):
        ensure_form(step, fields, evidence)
    omitted = frozenset(row.action for row in pack.omitted if row.definition == definition.id)
    arrows = [
        *_arrows(definition, order, purpose, omitted),
        *_beside_arrows(definition, pack, order, alongside, purpose),
    ]
    states = _states(definition, order)
    timers = _timers(definition, order, _timers_beside(definition, pack, order, alongside, purpose), purpose)
    if omitted:
        # What only an omitted action led to is not there either, nor are periods that nothing starts or ends.
        states = _reachable(states, arrows)
        arrows = [arrow for arrow in arrows if arrow["source"] in states]
        timers = tuple(t for t in timers if not is_idle(t, omitted))
    machine = Machine(model=None, states=states, transitions=arrows, initial=NEW, auto_transitions=False)
    return Compiled(definition, pack, purpose, order, alongside, fields, evidence, timers, machine, omitted)


def _fields(definition: Definition, pack: Pack) -> dict[str, Field]:
    """The fields of the definition and of the pack, with the options that the pack adds to a choice."""
    fields = {**definition.fields, **pack.fields}
    for name, added in pack.options.items():
        if name in fields:
            fields[name] = replace(fields[name], options=(*fields[name].options, *added))
    return fields


def _reachable(states: list[str], arrows: list[dict[str, str]]) -> list[str]:
    """The states that some chain of arrows leads to, in their order."""
    found, new = {NEW}, {NEW}
    while new:
        new = {arrow["dest"] for arrow in arrows if arrow["source"] in new} - found
        found |= new
    return [state for state in states if state in found]


def is_idle(timer: Timer, omitted: frozenset[str]) -> bool:
    """Tell whether nothing starts or ends a timer where some actions are omitted."""
    return any(names and set(names) <= omitted for names in (timer.starts_on, timer.ends_on))


def _steps(definition: Definition, pack: Pack, purpose: str) -> tuple[tuple[Step, ...], dict[str, Step]]:
    if not definition.steps:
        return (), {}
    sequence = pack.sequence(definition.id, purpose)
    library = {**definition.steps, **pack.steps}
    where = f"pack {pack.id}, {definition.id} {purpose}"
    named = [*sequence.steps, *sequence.alongside]
    for name in named:
        if name not in library:
            raise BadTable(f"{where}: step {name!r} is not defined")
    if len(set(named)) != len(named):
        raise BadTable(f"{where}: a step stands twice")
    specs = _fields(definition, pack)
    order = tuple(_as_asked(library[name], pack, purpose, specs) for name in sequence.steps)
    alongside = {name: _as_asked(library[name], pack, purpose, specs) for name in sequence.alongside}
    _ensure_order(definition, order, sequence.alongside, library, where)
    return order, alongside


def _as_asked(step: Step, pack: Pack, purpose: str, specs: Mapping[str, Field]) -> Step:
    """Add what a pack asks beyond the definition: evidence, fields, and who signs."""
    evidence = [kind for kind in pack.requirements.get(step.id, ()) if kind not in step.evidence]
    fields = _fields_asked(step, pack, specs)
    free = [name for name in fields if name in specs and specs[name].optional and name not in step.optional]
    step = replace(step, evidence=(*step.evidence, *evidence), fields=fields, optional=(*step.optional, *free))
    row = next((r for r in pack.signatures if r.step == step.id and (not r.purposes or purpose in r.purposes)), None)
    return _signed_by(step, row) if row else step


def _fields_asked(step: Step, pack: Pack, specs: Mapping[str, Field]) -> tuple[str, ...]:
    """A step's fields with those of the pack: figures of income where income per head stood, which the system counts
    from them; an explanation behind its question; the rest at the end, judgement and opinion last.
    """
    asked = sorted((n for n in pack.asks.get(step.id, ()) if n not in step.fields), key=lambda n: n == JUDGEMENT)
    counted = [name for name in sheet_fields(pack, beside=True) if name in asked]
    fields: list[str] = []
    for name in step.fields:
        fields += counted if counted and name == PER_HEAD else [name]
    last = len(fields) - (fields[-1:] == ["opinion"])
    fields[last:last] = [name for name in asked if name not in fields]
    for name in asked:
        question = specs[name].explains if name in specs else ""
        if question in fields:
            fields.remove(name)
            fields.insert(fields.index(question) + 1, name)
    return tuple(fields)


def _signed_by(step: Step, row: Signature) -> Step:
    mode = row.mode or ("any" if row.count else step.sign.get("mode", "one"))
    sign = {**step.sign, "mode": mode, **({"count": row.count} if row.count else {})}
    label, state_label = (_naming_body(x, row.body) for x in (step.label, step.state_label))
    return replace(step, roles=row.roles or step.roles, sign=sign, label=label, state_label=state_label)


def _naming_body(label: Label, body: Label) -> Label:
    """A step's label names the body that the pack says must meet."""
    return {"zh": f"{label['zh']}（{body['zh']}）", "en": f"{label['en']} ({body['en']})"} if body else label


def _ensure_order(
    definition: Definition,
    order: tuple[Step, ...],
    alongside: Mapping[str, str],
    library: Mapping[str, Step],
    where: str,
) -> None:
    for step in order:
        if step.gate not in definition.gates:
            raise BadTable(f"{where}: step {step.id}: gate {step.gate!r} is not defined")
    gates = [list(definition.gates).index(s.gate) for s in order]
    if gates != sorted(gates):
        raise BadTable(f"{where}: the gates must stand in the order {' → '.join(definition.gates)}")
    place = {step.id: float(index) for index, step in enumerate(order)}
    for name, beside in alongside.items():
        if beside not in place:
            raise BadTable(f"{where}: {name} runs beside {beside!r}, which is not in the order")
        place[name] = place[beside] + 0.5
    for step in library.values():
        if step.required and step.id not in place:
            raise BadTable(f"{where}: gate step {step.id!r} is missing")
        _ensure_place(step, place, where)
    for gate in definition.gates:
        if gate not in {s.gate for s in order}:
            raise BadTable(f"{where}: gate {gate!r} has no step")


def _ensure_place(step: Step, place: Mapping[str, float], where: str) -> None:
    if step.id not in place:
        return
    for other in step.after:
        if other in place and place[other] > place[step.id]:
            raise BadTable(f"{where}: {step.id} must come after {other}")
    for other in step.before:
        if other in place and place[other] < place[step.id]:
            raise BadTable(f"{where}: {step.id} must come before {other}")


def _states(definition: Definition, order: tuple[Step, ...]) -> list[str]:
    return [NEW, *(s.state for s in order), *definition.states]


def _beside_arrows(
    definition: Definition,
    pack: Pack,
    order: tuple[Step, ...],
    alongside: Mapping[str, Step],
    purpose: str,
) -> list[dict[str, str]]:
    """A step alongside may be done while its neighbour waits, or while that gate is held (objection)."""
    arrows = []
    for step in alongside.values():
        beside = pack.sequence(definition.id, purpose).alongside[step.id]
        arrows += [_arrow(step.action, state, state) for state in _states_beside(definition, order, beside)]
    return arrows


def _states_beside(definition: Definition, order: tuple[Step, ...], beside: str) -> tuple[str, ...]:
    neighbour = next(s for s in order if s.id == beside)
    held = (s.id for s in definition.states.values() if s.gate == neighbour.gate and not s.closed)
    return (neighbour.state, *held)


def _arrows(
    definition: Definition, order: tuple[Step, ...], purpose: str, omitted: frozenset[str]
) -> list[dict[str, str]]:
    arrows: list[dict[str, str]] = []
    following = [*(s.state for s in order[1:]), "concluded"]
    for step, dest in zip(order, following, strict=False):
        arrows.append(_arrow(step.action, step.state, dest))
        if step.sign.get("mode") in REPEATED:
            arrows.append(_arrow(f"{step.action}>{step.state}", step.state, step.state))
    for action in definition.actions.values():
        if (purpose in action.purposes or not action.purposes) and action.id not in omitted:
            arrows += _action_arrows(action, definition, order)
    return arrows


def _arrow(trigger: str, source: str, dest: str) -> dict[str, str]:
    return {"trigger": trigger, "source": source, "dest": dest}


def _action_arrows(action: Action, definition: Definition, order: tuple[Step, ...]) -> list[dict[str, str]]:
    arrows = []
    for source in _sources(action, definition, order):
        dests = _dests(action, source, definition, order)
        several = len(dests) > 1 or action.target == "@earlier_gate" or action.target.startswith(CAME_FROM)
        arrows += [_arrow(f"{action.id}>{dest}" if several else action.id, source, dest) for dest in dests]
        if action.sign.get("mode") in REPEATED:
            arrows.append(_arrow(f"{action.id}>{source}", source, source))
    return arrows


def _sources(action: Action, definition: Definition, order: tuple[Step, ...]) -> list[str]:
    closed = {s.id for s in definition.states.values() if s.closed}
    everything = [*(s.state for s in order), *definition.states]
    if isinstance(action.sources, tuple):
        added = [s.state for s in order if s.id not in definition.steps and "@added" in action.sources]
        undecided = _before_decision(definition, order) if "@before_decision" in action.sources else []
        return [*(s for s in action.sources if s in everything or s == NEW), *added, *undecided]
    if action.sources == "@any":
        return everything
    if action.sources == "@open":
        return [s for s in everything if s not in closed]
    return _before_decision(definition, order)


def _before_decision(definition: Definition, order: tuple[Step, ...]) -> list[str]:
    deciding = [place for place, s in enumerate(order) if s.gate == definition.decided_by and s.required]
    return [s.state for s in order[: max(deciding, default=len(order)) + 1]]


def _dests(action: Action, source: str, definition: Definition, order: tuple[Step, ...]) -> list[str]:
    target = action.target
    if target == "@same":
        return [source]
    if target == "@first_step":
        return [order[0].state]
    if target.startswith(CAME_FROM):
        return list(definition.states)
    if target.startswith("@step:"):
        return [s.state for s in order if s.id == target.removeprefix("@step:")]
    if target == "@earlier_gate":
        return _earlier_gates(source, order)
    return [target]


def _earlier_gates(source: str, order: tuple[Step, ...]) -> list[str]:
    """The required first step of each gate before the step that waits (domain notes: return to 2 or 3)."""
    place = [s.state for s in order].index(source) if source in [s.state for s in order] else 0
    firsts: dict[str, str] = {}
    for step in order[:place]:
        if step.required:
            firsts.setdefault(step.gate, step.state)
    return list(firsts.values())


def _timers(
    definition: Definition, order: tuple[Step, ...], beside: Mapping[str, Timer], purpose: str
) -> tuple[Timer, ...]:
    """Timers of this purpose; a step's own timer runs while its state (or that of its neighbour) waits."""
    states: dict[str, tuple[str, ...]] = {}
    for step in order:
        states[step.timer] = (*states.get(step.timer, ()), step.state)
    result = []
    for timer in definition.timers.values():
        if timer.purposes and purpose not in timer.purposes:
            continue
        if timer.id in states:
            result.append(replace(timer, runs_in=states[timer.id]))
        elif timer.runs_in or timer.starts_on:
            result.append(timer)
        elif timer.id in beside:
            result.append(beside[timer.id])
    return tuple(result)


def _timers_beside(
    definition: Definition,
    pack: Pack,
    order: tuple[Step, ...],
    alongside: Mapping[str, Step],
    purpose: str,
) -> dict[str, Timer]:
    """The timer of a step alongside runs from the start of its neighbour until the step is done."""
    result = {}
    for step in alongside.values():
        beside = pack.sequence(definition.id, purpose).alongside[step.id]
        if step.timer:
            states = _states_beside(definition, order, beside)
            result[step.timer] = replace(definition.timers[step.timer], runs_in=states, ends_on=(step.action,))
    return result
