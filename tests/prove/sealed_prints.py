"""Prints as an office makes them, for whoever checks them: signed, sealed in a log, together in a bundle."""

import hashlib
import io
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Mapping

from reports.container import open_container
from reports.trail import read_trail
from tests.prove.edited_prints import KEY, PUBLIC, note_of
from workflows.checkpoint import Checkpoint, Step, read_note, signed
from workflows.journal import canonical, digest
from workflows.leaves import Leaf
from workflows.tree import Tree, leaf_hash

AT = "2026-03-10T16:00:00Z"


def log_of(leaves: list[str], size: int) -> Tree:
    """The tree over some leaves, fewer than a tile holds."""
    hashes = [leaf_hash(text.encode()) for text in leaves]
    return Tree(size, lambda level, number: hashes[:size] if (level, number) == (0, 0) else [])


def leaves_of(trail_text: str, *, without: int = 0) -> list[str]:
    """A leaf for each chain of a trail, up to some entries before its end, between leaves of others."""
    trail = read_trail(trail_text)
    others = [Leaf(trail.county, f"{trail.county}H000000{n}-C9", 1, "a" * 64, AT).text for n in range(5)]
    chains = [(c.case, c.entries[: len(c.entries) - without]) for c in trail.chains]
    own = [Leaf(trail.county, case, len(known), digest(known[-1]), AT).text for case, known in chains]
    return [*others[:3], *own, *others[3:]]


def checkpoint_of(leaves: list[str], size: int) -> str:
    """The signed checkpoint of a log's first leaves."""
    point = Checkpoint(PUBLIC.name, size, log_of(leaves, size).root(), (f"at {AT}",))
    return signed(point, PUBLIC, KEY.sign).text


def step_of(leaves: list[str], old: int, size: int) -> str:
    """A log's checkpoint over its first ``size`` leaves, with the proof that it goes on from ``old`` of them."""
    note = read_note(checkpoint_of(leaves, size))
    return Step(old, tuple(log_of(leaves, size).consistency(old)), note).text


def seal_of(trail_text: str, *, without: int = 0) -> str:
    """The seal.json of a trail."""
    leaves = leaves_of(trail_text, without=without)
    tree, trail = log_of(leaves, len(leaves)), read_trail(trail_text)
    proofs = [
        {"leaf": leaves[n], "index": n, "path": [b64encode(step).decode() for step in tree.inclusion(n)]}
        for n in range(3, 3 + len(trail.chains))
    ]
    point = checkpoint_of(leaves, len(leaves))
    return canonical({"format": "fp-seal-v1", "county": trail.county, "checkpoint": point, "proofs": proofs})


def files_of(prints: Mapping[str, bytes], newest: str = "", steps: Iterable[str] = ()) -> dict[str, bytes]:
    """What a bundle holds of some prints, by case, and the newest checkpoint with the ways to it."""
    files: dict[str, bytes] = {"README.txt": "核验说明".encode()}
    files |= {f"steps/{text.split()[1]}.txt": text.encode() for text in steps}
    files |= {"checkpoint.txt": newest.encode()} if newest else {}
    for case, pdf in prints.items():
        held = open_container(pdf)
        files |= {f"trails/{case}.pdf": pdf, f"trails/{case}.json": held.trail.encode()}
        files |= {f"seals/{case}.json": held.seal.encode()} if held.seal else {}
    return files


def zipped(files: Mapping[str, bytes], *, is_listed: bool = True) -> bytes:
    """A bundle (fp-bundle-v1); not listed anew, it keeps list and note as they stand in ``files``."""
    known = dict(files)
    if is_listed:
        items = [
            {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for path, data in sorted(files.items())
        ]
        point = files.get("checkpoint.txt", b"").decode()
        manifest = canonical({"format": "fp-bundle-v1", "county": "500241", "checkpoint": point, "items": items})
        known["manifest.json"] = manifest.encode()
        known["manifest.note"] = note_of(f"fp-bundle-v1\nmanifest {digest(manifest)}\n").encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for path in sorted(known):
            entry = zipfile.ZipInfo(path)
            entry.compress_type = zipfile.ZIP_STORED if path.endswith(".pdf") else zipfile.ZIP_DEFLATED
            made.writestr(entry, known[path])
    return out.getvalue()


def unzipped(data: bytes) -> dict[str, bytes]:
    """The files of a bundle by path."""
    with zipfile.ZipFile(io.BytesIO(data)) as held:
        return {name: held.read(name) for name in held.namelist()}
