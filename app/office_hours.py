"""When people of a county may be reminded: its working days, and this installation's quiet hours."""

from dataclasses import dataclass
from datetime import datetime

from app.runtime import runtime
from workflows import ladder
from workflows.calendars import Calendar
from workflows.ladder import Quiet


@dataclass(frozen=True)
class OfficeHours:
    """Working days and quiet hours; without quiet hours people are reminded around the clock, on every day."""

    calendar: Calendar
    quiet: Quiet | None

    def first(self, moment: datetime) -> datetime:
        """Return this moment if people may be reminded then, else the next working morning (UTC)."""
        return ladder.office_time(moment, self.calendar, self.quiet)

    def day_after(self, moment: datetime) -> datetime:
        """Return the working morning after the day on which somebody may next be reminded; the moment without quiet."""
        if self.quiet is None:
            return moment
        return ladder.next_morning(self.first(moment), self.calendar, self.quiet)


def office_hours(county: str) -> OfficeHours:
    """Return a county's office hours as they are known today."""
    found = runtime()
    return OfficeHours(found.rules.calendar_for(county), found.settings.quiet)
