"""Timestamps of an authority outside (RFC 3161): asked for by HTTP, held against what was asked, kept as they came.

Whether the authority itself is to be believed is for whoever holds its certificate: ``openssl ts -verify``.
"""

import secrets
from datetime import datetime
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from asn1crypto.cms import ContentInfo
from asn1crypto.core import Sequence
from asn1crypto.tsp import PKIStatusInfo, TimeStampReq, TSTInfo

ASKED, ANSWERED = "application/timestamp-query", "application/timestamp-reply"
SECONDS = 10
LARGEST = 1 << 20
GRANTED = ("granted", "granted_with_mods")


class BadStamp(ValueError):
    """An answer is no timestamp of what was asked for; the text says why."""


class Answer(Sequence):  # type: ignore[misc] # asn1crypto ships no types
    """TimeStampResp of RFC 3161, 2.4.2: a refusal has no token, which asn1crypto's own takes for malformed."""

    _fields = [("status", PKIStatusInfo), ("time_stamp_token", ContentInfo, {"optional": True})]  # noqa: RUF012 - its way


def ask(url: str, data: bytes) -> bytes:
    """Return the answer of an authority for some bytes, as it came; raises BadStamp or OSError. Follows no redirect."""
    nonce = secrets.randbits(63)
    question = TimeStampReq({
        "version": "v1",
        "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": sha256(data).digest()},
        "nonce": nonce,
        "cert_req": True,
    })  # fmt: skip
    answer = _posted(url, question.dump())
    ensure_of(answer, data, nonce=nonce)
    return answer


def _posted(url: str, body: bytes) -> bytes:
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    link = kind(parts.hostname or "", parts.port, timeout=SECONDS)
    try:
        link.request("POST", parts.path or "/", body, {"Content-Type": ASKED})
        answer = link.getresponse()
        data = answer.read(LARGEST + 1)
    except HTTPException as error:
        raise BadStamp(f"no answer by HTTP: {error!r}") from error
    finally:
        link.close()
    if answer.status != 200 or answer.headers.get_content_type() != ANSWERED or len(data) > LARGEST:
        raise BadStamp(f"status {answer.status}, {answer.headers.get_content_type()}, {len(data)} bytes")
    return data


def ensure_of(answer: bytes, data: bytes, *, nonce: int | None = None) -> datetime:
    """Return the time that an answer gives to some bytes; raise BadStamp: refused, of others, malformed."""
    try:
        response = Answer.load(answer, strict=True)
        status = response["status"]["status"].native
        if status not in GRANTED:
            raise BadStamp(f"the authority says {status}")
        info = response["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
        imprint, told = info["message_imprint"], info["nonce"].native
        same = imprint["hash_algorithm"]["algorithm"].native == "sha256" and isinstance(info, TSTInfo)
        moment = info["gen_time"].native
        digest = imprint["hashed_message"].native
    except (KeyError, TypeError, AttributeError) as error:
        raise BadStamp("malformed") from error
    except ValueError as error:
        raise error if isinstance(error, BadStamp) else BadStamp("malformed") from error
    if not same or digest != sha256(data).digest():
        raise BadStamp("a stamp of something else")
    if nonce is not None and told != nonce:
        raise BadStamp("an answer to another question")
    return datetime.fromisoformat(moment.isoformat())
