"""Who signs for this installation, and the names of its logs."""

import errno
import re
from collections.abc import Callable

from app.keys import ensure_signing_key
from app.runtime import runtime
from app.signing import Signer
from app.store import seals as store
from app.store.transaction import reading
from workflows.checkpoint import VerifierKey, signed_body
from workflows.errors import NoSigningKey

ORIGIN = re.compile(r"fangpin/([0-9]{6})/([1-9][0-9]{0,8})")


def signer() -> Signer:
    """Return who signs for this installation; its key is made at first need. Raises NoSigningKey where it can't be."""
    held = runtime()
    if held.keys.signing:
        return Signer(held.keys.signing)
    try:
        return Signer(ensure_signing_key(held.settings.secrets_file))
    except PermissionError as error:
        raise NoSigningKey from error
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        raise NoSigningKey from error


def origin_of(county: str, era: int) -> str:
    """Return the name of a county's log: another one for each history that was ever gone on with."""
    return f"fangpin/{county}/{era}"


def log_of(origin: str) -> tuple[str, int]:
    """Return county and era of a log's name, ("", 0) when it is none of ours."""
    found = ORIGIN.fullmatch(origin)
    return (found[1], int(found[2])) if found else ("", 0)


def key_of(county: str) -> VerifierKey:
    """Return the public key under the name of a county's present log."""
    with reading():
        head = store.head(county)
    return signer().key(origin_of(county, head.era if head else 1))


def print_seal(county: str) -> Callable[[str], str]:
    """Return what signs the list of all that stands in a print (fp-print-v1), by the key of the county's log.

    No checkpoint begins as such a list does, so that neither can be taken for the other.
    """
    key, sign = key_of(county), signer().sign
    return lambda body: signed_body(body, key, sign).text
