"""The check of a bundle (fp-bundle-v1): by the verifier of one file, and each print in it as a print by itself."""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from reports import fangpin_verify as alone
from reports.remark import Remark
from reports.verify import ALTERED, INTACT, MALFORMED, UNANCHORED, Code, Told, Verdict

BUNDLE = b"PK"
OPEN = ("sig_no_root", "sig_foreign")
#: what of a bundle the other check answers: each print is typeset again, and its electronic seal is judged
ANSWERED = ("left_pages", "left_seal")
CODES: dict[int, Code] = {0: INTACT, 2: ALTERED, 3: UNANCHORED, 4: MALFORMED}


def is_bundle(file: IO[bytes]) -> bool:
    """Tell whether an open file begins as a bundle does; it is left at its beginning."""
    file.seek(0)
    found = file.read(2) == BUNDLE
    file.seek(0)
    return found


def verify_bundle(
    file: IO[bytes], judged: Callable[[bytes], Verdict], *, key: str = "", points: Sequence[str] = ()
) -> Verdict:
    """Check a bundle; ``judged`` checks a print (PDF) by itself. A bundle that holds no print is judged by its list.

    Intact: its office's key, or a checkpoint, vouches for it, or each print in it is vouched for by itself.
    """
    status, said, _ = alone.verify(file, key, points=points)
    told = tuple(Told(code, detail=where, is_grave=code in alone.GRAVE) for code, where in said)
    if status in (ALTERED, MALFORMED):
        return Verdict(CODES[status], told)
    with zipfile.ZipFile(file) as held:
        names = [name for name in held.namelist() if name.startswith("trails/") and name.endswith(".pdf")]
        found = [(name, judged(held.read(name))) for name in names]
    remarks = (*(one for one in told if one.code not in ANSWERED), *_of_prints(found))
    codes = {verdict.code for _, verdict in found}
    if codes & {ALTERED, MALFORMED}:
        return Verdict(ALTERED, remarks)
    is_open = any(remark.code in OPEN for remark in remarks)
    is_held = status == INTACT or codes == {INTACT}
    return Verdict(INTACT if is_held and not is_open else UNANCHORED, remarks)


def _of_prints(found: Sequence[tuple[str, Verdict]]) -> Iterator[Remark]:
    """What is wrong in a print, under its name; what is said of the electronic seals, each sentence once."""
    seals: dict[str, Remark] = {}
    for name, verdict in found:
        grave = [one for one in verdict.findings if one.is_grave or verdict.code == MALFORMED]
        if grave:
            yield Remark("in_file", detail=name, is_grave=True)
            yield from grave
        seals |= {one.code: one for one in verdict.findings if one.code.startswith("sig_") and not one.is_grave}
    yield from seals.values()
    yield Remark("prints_checked", detail=str(len(found)))
