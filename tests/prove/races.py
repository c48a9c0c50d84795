"""Pairs of acts at the same instant, from two processes with connections of their own, at every step of a case."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from tests.factories import ROLE_OF
from tests.prove.worlds import Act, Desk, answer_of, next_step, signers
from tests.world import StoredWalker, World
from workflows.definition import Step
from workflows.journal import Sealed
from workflows.model import Actor

GATES = ("verify", "township_audit", "county_approve")  # no person signs two of them
PATIENCE = 60


@dataclass(frozen=True)
class Pair:
    """Two acts, and what each may be answered; of the two exactly one moves the case."""

    kind: str
    acts: tuple[Act, Act]
    may: tuple[frozenset[str], frozenset[str]]


MOVES = frozenset({"moved"})
LATE = frozenset({"stale"})
NOT_NOW = frozenset({"wrong_state", "stale", "already_signed", "same_hand", "wrong_office"})


# --- two processes ----------------------------------------------------
def side(url: str, folder: str, orders: Connection, start: Barrier) -> None:
    """Carry out what is ordered, each act at the instant at which the other side begins its own."""
    world = World(url, Path(folder))
    with world.app.app_context():
        while (act := orders.recv()) is not None:
            world.now = act.now
            start.wait(PATIENCE)
            orders.send(answer_of(act))
    world.close()


@contextmanager
def two_sides(world: World) -> Iterator[Callable[[tuple[Act, Act]], tuple[str, str]]]:
    """Start both processes; yields what sends them a pair and returns their answers."""
    context = get_context("forkserver")
    start = context.Barrier(2)
    ends = [context.Pipe() for _ in range(2)]
    arguments = [(world.url, str(world.folder), far, start) for _, far in ends]
    processes = [context.Process(target=side, args=one, daemon=True) for one in arguments]
    for process, (_, far) in zip(processes, ends, strict=True):
        process.start()
        far.close()  # so that a side that has died is an end of file, and not a wait for ever

    def race(acts: tuple[Act, Act]) -> tuple[str, str]:
        for (near, _), act in zip(ends, acts, strict=True):
            near.send(act)
        first, second = (near.recv() for near, _ in ends)
        return first, second

    try:
        yield race
        for near, _ in ends:
            near.send(None)
    finally:
        for process in processes:
            process.join(PATIENCE)
            process.kill()


# --- the races ----------------------------------------------------------
@dataclass
class Races:
    """Walks case after case through all gates with a race at each step, and counts what was answered."""

    world: World
    race: Callable[[tuple[Act, Act]], tuple[str, str]]
    chance: random.Random
    desk: Desk = field(init=False)
    answers: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    signed: dict[str, list[Actor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.desk = Desk(self.world)

    def run(self, pairs: int) -> None:
        """Race until so many pairs have met."""
        serial = 0
        while self.kinds.total() < pairs:
            serial += 1
            walker = self.world.walker(serial).clue()
            self.signed = {}
            while not walker.case.closed and walker.state != "refused" and self.kinds.total() < pairs:
                self.meet(walker, next_step(walker))
            ensure_separate(walker)

    def meet(self, walker: StoredWalker, step: Step) -> None:
        """Let one pair meet; afterwards the chain is whole, equals its row, and holds one entry more."""
        before = walker.case.seq
        pair = self.chance.choice(self.pairs(walker, step))
        order = self.chance.choice([(0, 1), (1, 0)])  # which process does which
        given = self.race((pair.acts[order[0]], pair.acts[order[1]]))
        answers = (given[order[0]], given[order[1]])
        assert answers.count("moved") == 1, (pair.kind, step.action, answers)
        assert all(one in may for one, may in zip(answers, pair.may, strict=True)), (pair.kind, step.action, answers)
        walker.refresh()
        assert walker.case.seq == before + 1, (pair.kind, step.action, walker.case.seq - before)
        winner = pair.acts[answers.index("moved")]
        self.signed.setdefault(winner.action, []).append(winner.who)
        self.answers.update(answers)
        self.kinds[pair.kind] += 1

    def pairs(self, walker: StoredWalker, step: Step) -> list[Pair]:
        """Return one pair of each kind that can meet at a step."""
        one, other = self.people(step)
        seen = {"version": walker.case.seq}
        first, second = self.act(walker, step, one, **seen), self.act(walker, step, other, **seen)
        blind = self.act(walker, step, one), self.act(walker, step, other)
        either = (MOVES | LATE, MOVES | LATE)
        found = [
            Pair("the same person twice", (first, self.act(walker, step, one, **seen)), either),
            Pair("the same click twice", (first, first), (MOVES | {"repeated"}, MOVES | {"repeated"})),
            Pair("two persons, one page", (first, second), either),
        ]
        if len(self.signed.get(step.action, ())) + 1 == signers(step):  # else both may sign
            found.append(Pair("two persons, no page", blind, (MOVES | NOT_NOW, MOVES | NOT_NOW)))
        for kind, barred in self.barred(walker, step):
            found.append(Pair(kind, (blind[0], barred), (MOVES, NOT_NOW)))
        if step.action == "county_approve":
            refusal = self.desk.act(walker, "refuse", other, **seen)
            found.append(Pair("approve and refuse", (first, refusal), either))
        return found

    def barred(self, walker: StoredWalker, step: Step) -> Iterator[tuple[str, Act]]:
        """Return acts that must never move: by who signed this step or an earlier gate, or for the gate after."""
        for person in self.signed.get(step.action, ()):
            yield "who signed this step before", self.act(walker, step, person)
        before = GATES[: GATES.index(step.action)] if step.action in GATES else ()
        for person in [person for gate in before for person in self.signed[gate]]:
            account = self.people(step)[1]
            offices = (*person.offices, *account.offices)
            yield "who signed an earlier gate", self.act(walker, step, replace(person, offices=offices))
            yield "the same from another account", self.act(walker, step, replace(account, person=person.person))
        if step.action == "township_audit":
            both = self.people(step)[0]
            lead = replace(both, offices=(*both.offices, *self.world.person("county_lead").offices))
            yield "one person for both gates", self.desk.act(walker, "county_approve", lead)

    def people(self, step: Step) -> tuple[Actor, Actor]:
        """Return two persons who may take a step and have not signed it."""
        roles = (ROLE_OF.get(step.action, step.roles[0]), *step.roles)
        names = [(role, name) for role in dict.fromkeys(roles) for name in ("", f"{role}2")]
        signed = {person.id for person in self.signed.get(step.action, ())}
        free = [who for role, name in names if (who := self.world.person(role, name=name)).id not in signed]
        return free[0], free[1]

    def act(self, walker: StoredWalker, step: Step, who: Actor, **more: Any) -> Act:
        """Return a person's act that takes a step."""
        return self.desk.act(walker, step.action, who, **more)


# --- what the entries say -------------------------------------------------
def ensure_separate(walker: StoredWalker) -> None:
    """By the sealed entries alone: each gate signed by as many as it asks for, no person at two, one decision."""
    bodies = [Sealed(walker.case.number, 0, text, "").body for text in walker.chains[walker.case.number]]
    people = {gate: [b["actor"]["person"] for b in bodies if b["action"] == gate] for gate in GATES}
    actions = Counter(body["action"] for body in bodies)
    assert all(len(set(signed)) == len(signed) for signed in people.values()), people
    assert sum(len(set(signed)) for signed in people.values()) == len({p for held in people.values() for p in held})
    assert all(count == 1 for action, count in actions.items() if action not in ("verify", "report_clue")), actions
    assert actions["verify"] <= 2
    assert actions["county_approve"] + actions["refuse"] <= 1
    for before, after in pairwise(bodies):
        assert before["target"] == after["source"], (before["action"], after["action"])


def prove(world: World, *, pairs: int, chance: random.Random) -> str:
    """Race so many pairs; return the figures."""
    with two_sides(world) as race:
        races = Races(world, race, chance)
        races.run(pairs)
    refused = races.answers.total() - races.answers["moved"]
    codes = ", ".join(f"{code} {count}" for code, count in races.answers.most_common() if code != "moved")
    return (
        f"{races.kinds.total()} pairs of {len(races.kinds)} kinds: {races.answers['moved']} moves,"
        f" {refused} clean refusals ({codes}), no double approval, no gate shared by a person"
    )
