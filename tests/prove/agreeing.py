"""Two verifiers, written apart, on the same files: random edits of data, seals, prints and bundles, and clean ones."""

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reports import fangpin_verify as alone
from reports.render import render_trail
from tests import second_verifier as second
from tests.print import trails
from tests.prove.edited_prints import PUBLIC, cut, flipped, note_of, repainted, retold, rewritten, stuffed
from tests.prove.sealed_prints import checkpoint_of, files_of, leaves_of, seal_of, step_of, unzipped, zipped
from workflows.journal import canonical

Way = Callable[[bytes, random.Random], bytes]


def reseated(data: bytes, chance: random.Random) -> bytes:
    """One character of the attached seal, packed anew with skill."""
    text = alone.Pdf(data).read(alone.SEAL)
    return rewritten(data, {text.encode(): other(text, chance).encode()}, alone.SEAL)


def other(text: str, chance: random.Random) -> str:
    """One character of a text is another one."""
    place = chance.randrange(len(text))
    sign = chr((ord(text[place]) + 1 + chance.randrange(90)) % 0x3000)
    return text[:place] + sign + text[place + 1 :]


def one_file(data: bytes, chance: random.Random) -> bytes:
    """A file of a bundle edited, and all packed anew; its list stays."""
    files = unzipped(data)
    name = chance.choice(sorted(files))
    return zipped({**files, name: chance.choice((flipped, cut, stuffed))(files[name], chance)}, is_listed=False)


def one_text(data: bytes, chance: random.Random) -> bytes:
    """One character of a trail, a seal or the list in a bundle, all packed anew."""
    files = unzipped(data)
    name = chance.choice([name for name in sorted(files) if name.endswith((".json", ".note"))])
    return zipped({**files, name: other(files[name].decode(), chance).encode("utf-8", "replace")}, is_listed=False)


def less(data: bytes, chance: random.Random) -> bytes:
    files = unzipped(data)
    del files[chance.choice(sorted(files))]
    return zipped(files, is_listed=False)


def swapped(data: bytes, chance: random.Random) -> bytes:
    """Two files of a bundle under each other's names."""
    files = unzipped(data)
    one, two = chance.sample(sorted(files), 2)
    return zipped({**files, one: files[two], two: files[one]}, is_listed=False)


def one_entry(data: bytes, chance: random.Random) -> bytes:
    """One character of one entry in the journal's own data."""
    trail = json.loads(data)
    entries = chance.choice(trail["chains"])["entries"]
    place = chance.randrange(len(entries))
    entries[place] = other(entries[place], chance)
    return canonical(trail).encode("utf-8", "replace")


def one_entry_moved(data: bytes, chance: random.Random) -> bytes:
    """An entry left out, told twice or in another place."""
    trail = json.loads(data)
    entries = chance.choice([chain for chain in trail["chains"] if len(chain["entries"]) > 1])["entries"]
    one, two = chance.sample(range(len(entries)), 2)
    if chance.random() < 0.3:
        del entries[one]
    elif chance.random() < 0.5:
        entries.insert(two, entries[one])
    else:
        entries[one], entries[two] = entries[two], entries[one]
    return canonical(trail).encode()


def one_step(data: bytes, chance: random.Random) -> bytes:
    """One character of a proof of consistency: the size before, a hash, the log's name, its leaves, its root."""
    rows = data.decode().split("\n")
    place = chance.choice([nth for nth, row in enumerate(rows[: rows.index("") + 4]) if row])
    rows[place] = other(rows[place], chance)
    return "\n".join(rows).encode("utf-8", "replace")


PRINT: tuple[Way, ...] = (flipped, cut, stuffed, retold, repainted, reseated)
BUNDLE: tuple[Way, ...] = (flipped, cut, stuffed, one_file, one_text, less, swapped)
JOURNAL: tuple[Way, ...] = (one_entry, one_entry_moved)
TREE: tuple[Way, ...] = (one_step,)


@dataclass(frozen=True)
class Kind:
    """What is edited, in which ways, with which keys both judge it, how, and what they say of it unedited."""

    data: bytes
    ways: tuple[Way, ...]
    keys: tuple[str, ...]
    judged: Callable[[bytes, str], tuple[int, int]]
    best: int


def by_itself(data: bytes, key: str) -> tuple[int, int]:
    return verdict(data, key), second.judge(data, key)


def by_print(printed: bytes) -> Callable[[bytes, str], tuple[int, int]]:
    """A step to a newer checkpoint is judged by whether it vouches for a print in that log."""

    def judged(data: bytes, key: str) -> tuple[int, int]:
        points = [data.decode("utf-8", "replace")]
        return verdict(printed, key, points), second.judge(printed, key, points)

    return judged


def kinds() -> list[Kind]:
    """A print, a bundle with its steps, a journal's data, and a step of the tree."""
    text = trails.honest()
    leaves = [*leaves_of(text), *(f"later leaf {n}" for n in range(9))]
    own, bare = len(leaves_of(text)), render_trail(text, seal_text=seal_of(text))
    sealed, step = render_trail(text, seal_text=seal_of(text), seal=note_of), step_of(leaves, own, len(leaves))
    files = files_of({json.loads(text)["case"]: sealed}, checkpoint_of(leaves, len(leaves)), [step])
    both = (PUBLIC.text, "")
    return [
        Kind(sealed, PRINT, both, by_itself, second.INTACT),
        Kind(zipped(files), BUNDLE, both, by_itself, second.INTACT),
        Kind(text.encode(), JOURNAL, ("",), by_itself, second.UNKNOWN),
        Kind(step.encode(), TREE, ("",), by_print(bare), second.INTACT),
    ]


def verdict(data: bytes, key: str, points: Sequence[str] = ()) -> int:
    """The first verifier's verdict, altered and malformed as one."""
    status = alone.verify(data, key=key, points=points)[0]
    return second.BLAMED if status in (alone.ALTERED, alone.MALFORMED) else status


def is_the_same(one: bytes, other: bytes) -> bool:
    """Spare bits behind a packed file's end, or in a hash as text: whoever opens the two reads the same in both."""
    try:
        if one[:4] == b"old ":
            return meant(one) == meant(other)
        return one[:2] == b"PK" and unzipped(one) == unzipped(other)
    except second.BAD_FILES:
        return False


def meant(step: bytes) -> alone.Steps:
    steps: alone.Steps = {}
    alone.read_log(step.decode(), steps)
    return steps


def prove(*, edits: int, clean: int, chance: random.Random) -> str:
    """Edit journal, tree, print and bundle again and again, and judge clean trails.

    Raises AssertionError where the two differ, or an edit was not found.
    """
    done: Counter[str] = Counter()
    found = kinds()
    for one in found:
        assert one.judged(one.data, one.keys[0]) == (one.best, one.best)
    while done.total() < edits:
        nth = done.total()
        one = found[nth % len(found)]
        way = chance.choice(one.ways)
        edited = way(one.data, chance)
        if edited != one.data and not is_the_same(edited, one.data):
            hold(one, edited, f"edit {nth} ({way.__name__})")
            done[way.__name__] += 1
    for _ in range(clean):
        ensure_clean(chance)
    kinds_of = ", ".join(f"{kind} {count}" for kind, count in done.items())
    return f"{done.total()} edits, none intact to either ({kinds_of}), {clean} clean trails blamed by neither"


def hold(one: Kind, edited: bytes, name: str) -> None:
    """Both say the same of an edited file, with the key and without, and never what they say of the file as it was."""
    for key in one.keys:
        judged = one.judged(edited, key)
        if judged[0] != judged[1]:
            raise AssertionError(f"{name}, key {bool(key)}: the two say {judged}")
        # An edited name or number under a list makes it nobody's: then nobody vouches, and that is said.
        if key == one.keys[0] and judged[0] == one.best:
            raise AssertionError(f"{name} was not found: {judged}")


def ensure_clean(chance: random.Random) -> None:
    """An honest trail of random length and texts, some of its openings left out: both let it pass, by its own head."""
    builder = trails.Builder()
    trails.opened(
        builder, opinion="".join(chr(chance.randrange(0x4E00, 0x9FA5)) for _ in range(chance.randrange(1, 40)))
    )
    for _ in range(chance.randrange(12)):
        builder.add("add_evidence", hours=chance.randrange(1, 90))
    builder.disclosures = [one for one in builder.disclosures if chance.random() < 0.7]
    text = trails.trail(builder)
    status, said, head = alone.verify(text.encode(), head=second.Chains(text).head)
    assert (status, second.judge(text.encode())) == (alone.INTACT, second.UNKNOWN), (said, head)
