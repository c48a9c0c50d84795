"""What is signed is written in one go, however long its parts are by chance (a fault of asn1crypto, mended here)."""

from collections import Counter
from typing import Any, ClassVar

import pytest
from asn1crypto import core

from reports.der import mend

DEPTH = 12


class Nest(core.Sequence):  # type: ignore[misc]
    """A box with bytes and a box in it."""

    _fields: ClassVar[list[tuple[Any, ...]]] = []


Nest._fields = [("filling", core.OctetString), ("inner", Nest, {"optional": True})]


def nested(filling: int) -> Nest:
    one = Nest({"filling": b"x" * filling})
    for _ in range(DEPTH):
        one.dump()  # a header is known from here on
        one = Nest({"filling": b"y", "inner": one})
    return one


def test_a_part_that_is_changed_between_is_written_anew() -> None:
    mend()
    inner = Nest({"filling": b"a"})
    outer = Nest({"filling": b"b", "inner": inner})
    before = outer.dump()
    outer["inner"]["filling"] = b"c"
    outer["inner"].dump()
    assert Nest.load(outer.dump())["inner"]["filling"].native == b"c"
    assert outer.dump() != before


@pytest.mark.parametrize("filling", range(340, 382))
def test_every_length_is_written_once_a_level(filling: int, monkeypatch: pytest.MonkeyPatch) -> None:
    mend()
    one, told = nested(filling), Counter[int]()
    value_of = core.OctetString.dump

    def counted(self: core.OctetString, force: bool = False) -> bytes:
        told[id(self)] += 1
        return bytes(value_of(self, force=force))

    monkeypatch.setattr(core.OctetString, "dump", counted)
    data = one.dump()
    assert max(told.values(), default=0) <= 2, told  # each part once anew, once not
    assert Nest.load(data, strict=True).dump() == data


def test_what_has_an_indefinite_length_is_read_and_written() -> None:
    mend()
    raw = bytes.fromhex("3080040103" + "0000")
    found = Nest.load(raw)
    assert found["filling"].native == b"\x03"
    assert found.dump() == bytes.fromhex("3003040103")
