"""The moves that definitions allow a household under a pack, in the abstract."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from workflows.definition import CAME_FROM, Action, Definition, Step
from workflows.limits import Facts as Household
from workflows.limits import Limit
from workflows.machine import NEW, Compiled, compile_machine
from workflows.policy import ANYONE, Pack
from workflows.prove.after import part_after
from workflows.prove.barriers import GUARDS, GuardModel, Spec, always
from workflows.prove.choices import Choice, Form, Watched, choices, targets_of
from workflows.prove.clocks import Turn, turn_clocks, waits
from workflows.prove.parts import (
    ASSIST,
    FIRES,
    HELPER,
    MONITORED,
    OPEN,
    REACHED,
    SHUT,
    STATUS,
    Facts,
    Fired,
    Hop,
    Node,
    Part,
    facts_of,
    guards_of,
    live_origins,
    name_of,
)


@dataclass(frozen=True, eq=False)
class Option:
    """A form at a state, with what is asked of people and of the other cases before it can be done."""

    compiled: Compiled
    form: Form
    roles: tuple[str, ...]
    unaided: tuple[str, ...]
    guards: "tuple[tuple[GuardModel, Spec], ...]"
    beside: frozenset[str]
    opening: bool


class Model:
    """Definitions under a pack on a day, compiled by the real compiler, and the moves that they allow a household.

    ``household``: what limits may depend on besides the purpose (kind, status, source of the clue).
    """

    def __init__(
        self, definitions: Mapping[str, Definition], pack: Pack, on: date, household: Household = ANYONE
    ) -> None:
        self.names = tuple(sorted(definitions))
        self.index = {name: place for place, name in enumerate(self.names)}
        self.pack, self.on, self.household = pack, on, household
        self.compiled: dict[tuple[str, str], Compiled] = {
            (name, purpose): compile_machine(definition, pack, purpose)
            for name, definition in definitions.items()
            for purpose in definition.purposes
        }
        self.facts: dict[tuple[str, str], Facts] = {
            (name, purpose): facts_of(pack, definitions[name], purpose) for name, purpose in self.compiled
        }
        self.bounds = {key: self._bounds(*key) for key in self.compiled}
        self.counters = self._counters()
        self.needs_age = any(facts.needs_age for facts in self.facts.values())
        forms = [form for compiled in self.compiled.values() for form in compiled.forms]
        self.flags = frozenset(str(s["field"]) for form in forms for s in form.guards if s["guard"] == "once")
        live = {key: live_origins(c) for key, c in self.compiled.items()}
        self.watched = Watched(self.facts, self.counters, self.flags, self.needs_age, live)
        self._here = lru_cache(maxsize=None)(self._options)
        self.used: set[tuple[str, str, str]] = set()
        self._locals: dict[tuple[Part | None, int, tuple[str, ...]], list[tuple[str, Part, Fired]]] = {}
        self._follows: dict[tuple[Part | None, str, tuple[str, ...]], tuple[Part, Fired, Form] | None] = {}
        self._new = {name: [option for known, purpose in self.compiled if known == name
                            for option in self._here(name, purpose, NEW)] for name in self.names}  # fmt: skip
        self._effects = {(name, purpose, action): tuple(e for e in c.definition.effects if action in e.on
                         and purpose in (e.purposes or (purpose,)))
                         for (name, purpose), c in self.compiled.items()
                         for action in {a for e in c.definition.effects for a in e.on}}  # fmt: skip
        self._forgets = self._is_origin_dead()
        self._closed = {(key, state): c.is_closed(state) for key, c in self.compiled.items() for state in c.states}

    def limit(self, timer: str, purpose: str) -> Limit | None:
        """Return the limit of ``definition.timer`` for a case of a purpose of this household."""
        return self.pack.limit(timer, self.on, replace(self.household, purpose=purpose))

    def _bounds(self, name: str, purpose: str) -> dict[str, str]:
        timers = self.compiled[name, purpose].timers
        limits = {timer.id: self.limit(f"{name}.{timer.id}", purpose) for timer in timers}
        return {timer: limit.bound for timer, limit in limits.items() if limit}

    def bound(self, name: str, timer: str) -> str:
        """Return the bound of a timer's limit (for a minimum it is the same for every purpose), or an empty text."""
        return next((b[timer] for (known, _), b in self.bounds.items() if known == name and timer in b), "")

    def _counters(self) -> dict[tuple[str, str], int]:
        """Counters that anything reads, and how far they must be followed."""
        found = {(d, name): least for f in self.facts.values() for d, name, least in f.counters}
        for (name, _), compiled in self.compiled.items():
            for timer in compiled.timers:
                if timer.unless_field:
                    found.setdefault((name, timer.unless_field), 1)
        return found

    def _is_origin_dead(self) -> bool:
        """Tell whether help's way back is asked for only while a household is a candidate, never while it is monitored.

        Then it need not be followed beyond: elimination turns help into return visits, and a fast track notes anew.
        """
        if not {STATUS, ASSIST} <= self.index.keys():
            return False
        status = next(c for (name, _), c in self.compiled.items() if name == STATUS)
        help_ = next(c for (name, _), c in self.compiled.items() if name == ASSIST)
        back = {a.id for a in help_.definition.actions.values() if a.target.startswith(CAME_FROM)}
        asking = {(name, action) for name, _, action in self._effects for e in self._effects[name, _, action]
                  if e.definition == ASSIST and back & set(e.action)}  # fmt: skip
        monitored = [status.targets(action, state) for _, action in asking for state in MONITORED]
        return all(name == STATUS for name, _ in asking) and not any(monitored)

    # --- all moves from a node -------------------------------------------------------------------------------------
    def moves(self, node: Node, *, openings: bool = True) -> Iterator[tuple[Hop, Node]]:
        """Yield every move that somebody, or time, can make."""
        for name, part in zip(self.names, node, strict=True):
            if part is None or self.is_closed(name, part):
                yield from self._openings(node, name, openings=openings)
            if part is not None:
                for option in self._here(name, part.purpose, part.state):
                    yield from self._do(node, part, option)
                if part.since == 1 or part.clocks:
                    yield from self._passing(node, name, part)

    def is_closed(self, name: str, part: Part) -> bool:
        return self._closed[(name, part.purpose), part.state]

    def _openings(self, node: Node, name: str, *, openings: bool) -> Iterator[tuple[Hop, Node]]:
        for option in self._new[name]:
            if not option.opening or (openings and self._may_import(node, name)):
                yield from self._do(node, None, option)

    def may_import(self, node: Node) -> bool:
        """Tell whether a roster could bring anything for this household."""
        return any(self._may_import(node, name) for name in self.names)

    def _may_import(self, node: Node, name: str) -> bool:
        """A roster brings status and help of households that nothing was done for yet."""
        others = [part for other, part in zip(self.names, node, strict=True) if other != STATUS and part is not None]
        status = node[self.index[STATUS]] if STATUS in self.index else None
        return not others and (status is None) == (name == STATUS) and node[self.index[name]] is None

    def _options(self, name: str, purpose: str, state: str) -> tuple["Option", ...]:
        """The forms that start from a state and that people may ask for."""
        compiled = self.compiled[name, purpose]
        return tuple(
            self._option(compiled, form, state)
            for form in compiled.forms
            if compiled.targets(name_of(form), state)
            and not getattr(form, "internal", False)
            and not getattr(form, "system", False)
            and purpose in ((form.purposes if isinstance(form, Action) else ()) or (purpose,))
        )

    def _option(self, compiled: Compiled, form: Form, state: str) -> "Option":
        is_current = isinstance(form, Action) and form.who == "current"
        roles = compiled.current_roles(state) if is_current else self.pack.roles_of(form, self.on)
        guards = tuple((GUARDS[str(spec["guard"])], spec) for spec in guards_of(form, compiled.purpose)
                       if GUARDS.get(str(spec["guard"]), always) is not always)  # fmt: skip
        unaided = tuple(role for role in roles if role != HELPER)
        beside = (
            frozenset(s.id for s in compiled.beside(state))
            if isinstance(form, Step) and form.state == state
            else frozenset()
        )
        opening = isinstance(form, Action) and form.opening
        return Option(compiled, form, roles, unaided, guards, beside, opening)

    # --- one form --------------------------------------------------------------------------------------------------
    def _do(self, node: Node, part: Part | None, option: "Option") -> Iterator[tuple[Hop, Node]]:
        roles = option.roles if option.roles == option.unaided or self._is_helped(node) else option.unaided
        if not roles or not self._passes(node, part, option):
            return
        for role, after, fired in self._local(part, option, roles):
            if after == part and (fired.definition, fired.purpose, fired.action) not in self._effects:
                self.used.add((fired.definition, fired.purpose, fired.action))
                continue
            result = self._with_effects(node, after, option.form, fired)
            if result is not None:
                yield Hop((role,) if role else roles, result[0], opening=option.opening), result[1]

    def _is_helped(self, node: Node) -> bool:
        """A helper acts only where one was named and help is under way."""
        assist = node[self.index[ASSIST]] if ASSIST in self.index else None
        return assist is not None and assist.has_helper and not self.is_closed(ASSIST, assist)

    def _local(self, part: Part | None, option: "Option", roles: tuple[str, ...]) -> list[tuple[str, Part, Fired]]:
        """What a form may leave of its own case, whatever the other cases are."""
        key = (part, id(option), roles)
        if key not in self._locals:
            compiled, form = option.compiled, option.form
            chosen = choices(self.watched, compiled, form, part, roles)
            self._locals[key] = [(c.role, *self._alone(compiled, form, part, c)) for c in chosen]
        return self._locals[key]

    def _passes(self, node: Node, part: Part | None, option: "Option") -> bool:
        for model, spec in option.guards:
            if not model(self, node, option.compiled, part, spec):
                return False
        if part is None or not isinstance(option.form, Step):
            return True
        return option.form.id not in part.done and option.beside <= part.done

    # --- what a move leaves ----------------------------------------------------------------------------------------
    def _alone(self, compiled: Compiled, form: Form, part: Part | None, choice: Choice) -> tuple[Part, Fired]:
        """Return a case after a move, and what the move was; its effects on others are not looked at here."""
        name, source = compiled.definition.id, part.state if part else NEW
        closes = compiled.is_closed(choice.target) and choice.target != source
        after = part_after(self.watched, compiled, part, form, choice)
        turn = Turn(name_of(form), source, choice.target, closes, choice.timer)
        clocks, started, ended = turn_clocks(compiled, self.bounds[name, compiled.purpose], part, after, turn)
        after = after._replace(clocks=clocks)
        fired = Fired(name, compiled.purpose, name_of(form), source, choice.target, started, ended, after.passed)
        return after, fired

    def _with_effects(self, node: Node, after: Part, form: Form, fired: Fired) -> tuple[tuple[Fired, ...], Node] | None:
        """Return what fired and the node after a move with all that it moves, or None when an effect refuses it."""
        place = self.index[fired.definition]
        node = (*node[:place], after, *node[place + 1 :])
        chain: tuple[Fired, ...] = (fired,)
        if fired.source == fired.target and isinstance(form, Step):
            return chain, node
        for effect in self._effects.get((fired.definition, fired.purpose, fired.action), ()):
            follow = self._follow(node, effect.definition, effect.action)
            if follow is None and not effect.optional:
                return None
            if follow is not None:
                chain, node = (*chain, *follow[0]), follow[1]
        return chain, self._settled(node, place)

    def _follow(self, node: Node, name: str, actions: tuple[str, ...]) -> tuple[tuple[Fired, ...], Node] | None:
        if name not in self.index:
            return None
        part = node[self.index[name]]
        found = self._followed(name, None if part is None or self.is_closed(name, part) else part, actions)
        return self._with_effects(node, found[0], found[2], found[1]) if found else None

    def _followed(self, name: str, part: Part | None, actions: tuple[str, ...]) -> tuple[Part, Fired, Form] | None:
        key = (part, name, actions)
        if key not in self._follows:
            self._follows[key] = self._follows_alone(name, part, actions)
        return self._follows[key]

    def _follows_alone(self, name: str, part: Part | None, actions: tuple[str, ...]) -> tuple[Part, Fired, Form] | None:
        purpose = part.purpose if part else next(p for known, p in self.compiled if known == name)
        compiled = self.compiled[name, purpose]
        state = part.state if part else NEW
        action = next((a for a in actions if compiled.targets(a, state)), None)
        form = compiled.definition.actions[action] if action else None
        targets = targets_of(compiled, form, part, list(compiled.targets(form.id, state))) if form else []
        if form is None or not targets:
            return None
        return (*self._alone(compiled, form, part, Choice(targets[0], completes=True)), form)

    def _settled(self, node: Node, place: int) -> Node:
        """Forget a closed case through the gates that nothing can move any more: the household may begin anew."""
        if self._forgets:
            node = self._without_origin(node)
        name, part = self.names[place], node[place]
        if part is None or name in (STATUS, ASSIST) or part.clocks or not self.is_closed(name, part):
            return node
        return node if self._is_movable(name, part) else (*node[:place], None, *node[place + 1 :])

    def _without_origin(self, node: Node) -> Node:
        status, place = node[self.index[STATUS]], self.index[ASSIST]
        part = node[place]
        if part is None or not part.came_from or status is None or status.state not in MONITORED:
            return node
        return (*node[:place], part._replace(came_from=""), *node[place + 1 :])

    def _is_movable(self, name: str, part: Part) -> bool:
        """Tell whether anything but a right that has lapsed leads on from a closed state."""
        options = self._here(name, part.purpose, part.state)
        lasting = [o for o in options if all(spec["guard"] != "still_running" for _, spec in o.guards)]
        return any(t != part.state for o in lasting for t in o.compiled.targets(name_of(o.form), part.state))

    # --- time ------------------------------------------------------------------------------------------------------
    def _passing(self, node: Node, name: str, part: Part) -> Iterator[tuple[Hop, Node]]:
        place = self.index[name]
        for timer, phase in waits(part):
            if phase == FIRES:
                yield from self._fires(node, name, part, timer)
                continue
            clocks = part.clocks - {(timer, phase)}
            is_gone = phase == OPEN and self._is_right(name, part, timer)
            later = clocks if is_gone else clocks | {(timer, REACHED.get(phase, SHUT))}
            reached = (*node[:place], part._replace(clocks=later), *node[place + 1 :])
            ended = ((timer, "fired"),) if is_gone else ()
            fired = Fired(name, part.purpose, "", part.state, part.state, (), ended, part.passed)
            yield Hop((), (fired,), wait=f"{name}.{timer}"), self._settled(reached, place)
        if part.since == 1:
            fired = Fired(name, part.purpose, "", part.state, part.state, (), (), part.passed)
            yield Hop((), (fired,), wait="@age"), (*node[:place], part._replace(since=2), *node[place + 1 :])

    def _is_right(self, name: str, part: Part, timer: str) -> bool:
        return any(t.id == timer and t.right for t in self.compiled[name, part.purpose].timers)

    def _fires(self, node: Node, name: str, part: Part, timer: str) -> Iterator[tuple[Hop, Node]]:
        compiled = self.compiled[name, part.purpose]
        action = next(t.fires for t in compiled.timers if t.id == timer)
        form = compiled.definition.actions[action]
        for target in targets_of(compiled, form, part, list(compiled.targets(action, part.state))):
            moved, fired = self._alone(compiled, form, part, Choice(target, completes=True, timer=timer))
            after = self._with_effects(node, moved, form, fired)
            if after is not None:
                yield Hop(("system",), after[0], wait=f"{name}.{timer}"), after[1]
