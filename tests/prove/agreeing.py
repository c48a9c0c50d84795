"""Two verifiers, written apart, on the same files: random edits of data, seals, prints and bundles, and clean ones."""

import json
import random
from collections import Counter
from collections.abc import Callable

from reports import fangpin_verify as alone
from reports.render import render_trail
from tests import second_verifier as second
from tests.print import trails
from tests.prove.edited_prints import PUBLIC, cut, flipped, note_of, repainted, retold, rewritten, stuffed
from tests.prove.sealed_prints import files_of, seal_of, unzipped, zipped

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


PRINT: tuple[Way, ...] = (flipped, cut, stuffed, retold, repainted, reseated)
BUNDLE: tuple[Way, ...] = (flipped, cut, stuffed, one_file, one_text, less, swapped)


def verdict(data: bytes, key: str) -> int:
    """The first verifier's verdict, altered and malformed as one."""
    status = alone.verify(data, key=key)[0]
    return second.BLAMED if status in (alone.ALTERED, alone.MALFORMED) else status


def is_the_same(one: bytes, other: bytes) -> bool:
    """Spare bits behind a packed file's end: whoever opens the two reads the same in both."""
    try:
        return one[:2] == b"PK" and unzipped(one) == unzipped(other)
    except second.BAD_FILES:
        return False


def prove(*, edits: int, clean: int, chance: random.Random) -> str:
    """Edit a print and a bundle again and again, and judge clean trails; raises AssertionError where the two differ."""
    text = trails.honest()
    sealed = render_trail(text, seal_text=seal_of(text), seal=note_of)
    bundle = zipped(files_of({json.loads(text)["case"]: sealed}))
    done: Counter[str] = Counter()
    for nth in range(edits):
        data, ways = ((sealed, PRINT), (bundle, BUNDLE))[nth % 2]
        way = ways[nth // 2 % len(ways)]
        edited = way(data, chance)
        if edited == data or is_the_same(edited, data):
            continue
        for key in (PUBLIC.text, ""):
            found = (verdict(edited, key), second.judge(edited, key))
            if found[0] != found[1]:
                raise AssertionError(f"edit {nth} ({way.__name__}, key {bool(key)}): the two say {found}")
            # An edited name or number under a list makes it nobody's: then nobody vouches, and that is said.
            if key and found[0] == second.INTACT:
                raise AssertionError(f"edit {nth} ({way.__name__}) was not found: {found}")
        done[way.__name__] += 1
    for _ in range(clean):
        ensure_clean(chance)
    for data in (sealed, bundle):
        assert verdict(data, PUBLIC.text) == second.judge(data, PUBLIC.text) == second.INTACT
    kinds = ", ".join(f"{kind} {count}" for kind, count in done.items())
    return f"{done.total()} edits, none intact to either ({kinds}), {clean} clean trails blamed by neither"


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
