"""The state space of a household under one pack: breadth first over all cases that move each other."""

from dataclasses import dataclass, field

from workflows.prove.model import Model
from workflows.prove.parts import Hop, Node


@dataclass
class Space:
    """Everything that can happen to one household: nodes in the order of their discovery, moves, forms ever used.

    ``native`` counts the nodes that are reached without an import of what was decided before this system.
    """

    model: Model
    nodes: list[Node] = field(default_factory=list)
    moves: list[list[tuple[Hop, int]]] = field(default_factory=list)
    parents: list[tuple[int, Hop] | None] = field(default_factory=list)
    native: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """States and moves."""
        return len(self.nodes), sum(map(len, self.moves))

    def path(self, place: int, last: Hop | None = None) -> tuple[Hop, ...]:
        """Return the moves that lead to a node by the shortest way, and one more."""
        hops = [last] if last else []
        while (parent := self.parents[place]) is not None:
            place, hop = parent
            hops.append(hop)
        return tuple(reversed(hops))


def explore(model: Model, *, imports: bool = True) -> Space:
    """Walk the whole space, breadth first: at first without imports of what was decided before, then with them."""
    space = Space(model)
    known: dict[Node, int] = {}
    start: Node = (None,) * len(model.names)
    _discover(space, known, start, None)
    for openings in (False, True) if imports else (False,):
        place = 0
        while place < len(space.nodes):
            _expand(space, known, place, openings=openings)
            place += 1
        space.native = space.native or len(space.nodes)
    return space


def _discover(space: Space, known: dict[Node, int], node: Node, parent: tuple[int, Hop] | None) -> int:
    place = known.get(node)
    if place is None:
        place = known[node] = len(space.nodes)
        space.nodes.append(node)
        space.moves.append([])
        space.parents.append(parent)
    return place


def _expand(space: Space, known: dict[Node, int], place: int, *, openings: bool) -> None:
    """Note the moves of a node; in the second round of an old one only where a roster may import something."""
    model, node = space.model, space.nodes[place]
    if openings and place < space.native and not model.may_import(node):
        return
    found: list[tuple[Hop, int]] = []
    for hop, reached in model.moves(node, openings=openings):
        model.used.update([f[:3] for f in hop.chain])
        if reached != node:
            found.append((hop, _discover(space, known, reached, (place, hop))))
    space.moves[place] = found
