"""What the machine refuses, not a person: the database is away, the disk is full, too many wait; each by its code."""

import errno
import sqlite3

from psycopg import errors as postgresql
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

AWAY, FULL, BUSY = "database_away", "disk_full", "database_busy"
# A disk, a quota or a limit of the process: no byte more can be written.
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# SQLite has no room for the index of its log when the disk is full: that one is told as an error of the device.
SQLITE = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_IOERR_SHMSIZE: FULL,
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_IOERR: AWAY,
    sqlite3.SQLITE_CANTOPEN: AWAY,
}
# Also errors of the family "operational", but the server is well: somebody else was in the way.
PASSING = (
    postgresql.DeadlockDetected,
    postgresql.SerializationFailure,
    postgresql.LockNotAvailable,
    postgresql.QueryCanceled,
    postgresql.TooManyConnections,
)


def outage_of(error: BaseException | None) -> str:
    """Return the code of the outage that an error, or what caused it, tells of; an empty text for any other error."""
    while error is not None:
        code = _code(error)
        if code:
            return code
        error = error.__cause__
    return ""


def _code(error: BaseException) -> str:
    if isinstance(error, NoConnectionLeft):
        return BUSY
    if isinstance(error, sqlite3.Error):
        number: int = getattr(error, "sqlite_errorcode", 0)  # none where the module itself raised it
        return SQLITE.get(number) or SQLITE.get(number & 0xFF, "")
    if isinstance(error, postgresql.OperationalError):
        return _of_postgresql(error)
    return FULL if isinstance(error, OSError) and error.errno in NO_ROOM else ""


def _of_postgresql(error: postgresql.OperationalError) -> str:
    if isinstance(error, postgresql.DiskFull):
        return FULL
    return BUSY if isinstance(error, PASSING) else AWAY
