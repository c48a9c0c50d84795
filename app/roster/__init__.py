"""Roster import: bytes of an .xlsx in, households and row errors out; no database, no Flask."""

from app.roster.block import MAX_ERRORS
from app.roster.parse import parse_roster
from app.roster.records import HouseholdRow, MemberRow, Roster, RowError

__all__ = ["MAX_ERRORS", "HouseholdRow", "MemberRow", "Roster", "RowError", "parse_roster"]
