"""The proof of the rules at start: what was once proven sound is remembered by digest, the rest is proven now.

The rules that are shipped come with their proof (``make proofs`` writes it, the tests prove it again); a site's own are
proven at its first start.
"""

import gc
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workflows import prove
from workflows.policy import Pack
from workflows.prove import check
from workflows.prove.check import Prover, checker_version
from workflows.prove.findings import Finding
from workflows.registry import Rules, load_rules
from workflows.tables import BadTable

CACHE = "proofs.json"
SHIPPED = Path(prove.__file__).with_name("shipped.json")
FORMAT = "fp-proofs-v1"
_sound: set[str] = set()


class UnsoundRules(BadTable):
    """Rules that can be read but must not run; holds what was found."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(self.told_of(findings, "en"))
        self.findings = findings

    def told(self, lang: str) -> str:
        """Return the first finding with its counter-example, and how many more there are."""
        return self.told_of(self.findings, lang)

    @staticmethod
    def told_of(findings: tuple[Finding, ...], lang: str) -> str:
        """Return what is told of findings in a language."""
        first, more = findings[0], len(findings) - 1
        rest = {"zh": f"（另有 {more} 处）", "en": f" (and {more} more)"}[lang] if more else ""
        path = f" {first.example(lang)}" if first.example(lang) else ""
        return f"{first.pack} [{first.code}] {first.sentence(lang)}{path}{rest}"


def proof_key(rules: Rules, pack: Pack) -> str:
    """Return what a proof holds for: digests of all definitions, of the pack, and of the deciding and proving code."""
    digests = sorted(definition.digest for definition in rules.definitions.values())
    text = "\n".join((FORMAT, *digests, pack.digest, checker_version()))
    return hashlib.sha256(text.encode()).hexdigest()


def ensure_sound(rules: Rules, data: Path) -> None:
    """Raise UnsoundRules unless every pack is proven; proofs kept in the data folder make the next start quick."""
    known = _sound | _remembered(SHIPPED) | _remembered(data / CACHE)
    wanted = {proof_key(rules, pack): pack for pack in rules.packs.values()}
    open_keys = [key for key in wanted if key not in known]
    found: list[Finding] = []
    with unhurried():
        prover = Prover(rules)
        for key in open_keys:
            proof = prover.prove(wanted[key])
            found += proof.findings
            if proof.is_sound:
                _sound.add(key)
    if found:
        raise UnsoundRules(tuple(found))
    if open_keys:
        _remember(data / CACHE, wanted.keys() | known)


def prove_shipped() -> None:
    """Prove the shipped rules and keep that with them; raise UnsoundRules when they are not."""
    rules = load_rules()
    with unhurried():
        found = [finding for proof in check.prove(rules) for finding in proof.findings]
    if found:
        raise UnsoundRules(tuple(found))
    _keep(SHIPPED, {proof_key(rules, pack) for pack in rules.packs.values()})


@contextmanager
def unhurried() -> Iterator[None]:
    """Hold the collector back: a space is many small values that all live until the end."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _remembered(path: Path) -> set[str]:
    """Return the proofs kept in a file; a file that can't be read holds none."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    right = isinstance(kept, dict) and kept.get("format") == FORMAT and isinstance(kept.get("sound"), list)
    return {key for key in kept["sound"] if isinstance(key, str)} if right else set()


def _remember(path: Path, keys: set[str]) -> None:
    """Keep proofs in a file; where nothing can be written the next start proves again."""
    with suppress(OSError):
        _keep(path, keys)


def _keep(path: Path, keys: set[str]) -> None:
    text = json.dumps({"format": FORMAT, "sound": sorted(keys)}, indent=1) + "\n"
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
