"""What the annex of a household's trail may hold (format fp-annex-v1): whose lines, and of which kinds."""

FORMAT, LINE_FORMAT = "fp-annex-v1", "fp-access-v1"
#: Refusals, looks and prints, and what was said about a late period. Lines of other kinds may name households that are
#: no business of this one's reader.
KINDS = frozenset({
    "refused", "case_read", "file_read", "trail_print", "paper_print", "urging_issued", "urging_answered",
    "urging_printed", "case_pressed", "late_reason", "late_reason_erased",
})  # fmt: skip
#: Lines, and reminders, that one annex holds: the newest ones; how many older lines there are is said on its face.
MOST = 5_000
