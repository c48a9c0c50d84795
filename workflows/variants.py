"""Variants of a printed trail: which personal values each of them opens. All stand on the same chain of entries."""

FULL, MASKED, PUBLIC = "full", "masked", "public"
VARIANTS = (FULL, MASKED, PUBLIC)
#: What a masked trail still opens: whom it is about, and the number under which it was decided. Free texts may tell
#: anything, so none is among them.
NAMED = frozenset({"head_name", "approval_number"})


def opens(variant: str, field: str) -> bool:
    """Tell whether a variant opens a personal value; the entries hold its digest in any case."""
    return variant == FULL or (variant == MASKED and field in NAMED)
