"""The values that cross borders: plain frozen dataclasses, no behaviour beyond small questions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workflows.journal import Disclosure, Sealed

LEVEL_DIGITS = {
    "province": 2,
    "prefecture": 4,
    "county": 6,
    "township": 9,
    "village": 12,
    "grid": 15,
}

# The level of area at which a role holds office (domain notes, actors). A sector department, a helper's unit and an
# auditor work for a county; a helper acts only for households assigned to the person.
ROLE_LEVELS = {
    "grid_member": "grid",
    "village_cadre": "village",
    "resident_team": "village",
    "township_officer": "township",
    "township_leader": "township",
    "county_lead": "county",
    "sector_dept": "county",
    "helper": "county",
    "auditor": "county",
    "upper_level": "prefecture",
    "admin": "county",
    "system": "county",
}


# What a household is, apart from its monitoring status (domain notes, section 0.1).
HOUSEHOLD_KINDS = ("ordinary", "former_poor", "five_noes", "low_income")


def area_prefix(code: str, level: str) -> str:
    """Return the leading digits that an area shares with everything inside it."""
    return code[: LEVEL_DIGITS[level]]


def area_root(code: str) -> str:
    """Return the leading digits that name an area of its own: "500000" is "50", but county "500230" stays whole."""
    ends = (0, *LEVEL_DIGITS.values())
    return next((code[:end] for end in ends if not code[end:].strip("0")), code)


@dataclass(frozen=True)
class Behalf:
    """Whom a substitute stands in for: account, name, and the key of the natural person."""

    id: str
    name: str
    person: str

    def as_json(self) -> dict[str, str]:
        """Return the form that entries hold."""
        return dict(vars(self))


@dataclass(frozen=True)
class Office:
    """One appointment of a person: a role in an area (code of 12 digits, or 15 for a grid; name for paper).

    ``within`` are the leading digits to which a token or a substitution narrows it, else empty; ``behalf`` is the
    absent person whose office a substitute holds, None for one's own.
    """

    role: str
    area: str
    name: str = ""
    within: str = ""
    behalf: Behalf | None = None

    @property
    def level(self) -> str:
        """Level of the area, by the role."""
        return ROLE_LEVELS[self.role]

    def covers(self, area: str) -> bool:
        """Tell whether a code (village or grid) lies in this office's area; an office of a grid may be a village."""
        return area.startswith(area_prefix(self.area, self.level)) and area.startswith(self.within)


@dataclass(frozen=True)
class Actor:
    """Who acts: account, natural person (the same for all accounts of one human being) and offices held today."""

    id: str
    name: str
    person: str
    offices: tuple[Office, ...]

    @property
    def own_offices(self) -> tuple[Office, ...]:
        """The offices held in person, without those of people who are absent."""
        return tuple(office for office in self.offices if office.behalf is None)

    def account_in(self, office: Office) -> str:
        """Return the account to which what is assigned by name belongs in an office: one's own, or the absent one's."""
        return office.behalf.id if office.behalf else self.id

    @property
    def is_system(self) -> bool:
        """Tell whether this is the system itself (clock, import)."""
        return self.id == "system"


def system_actor(county: str) -> Actor:
    """Return the actor that signs what the clock does; it never decides anything for a household."""
    return Actor(
        id="system",
        name="系统",
        person="system",
        offices=(Office("system", county.ljust(12, "0")),),
    )


@dataclass(frozen=True)
class Subject:
    """What a case is about. ``people`` are the person keys of its members, to know one's own household."""

    kind: str
    number: str
    county: str
    area: str
    name: str
    household_kind: str = "ordinary"
    people: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Clock:
    """A running period of a case as its entries froze it; ``due`` is exclusive, RFC 3339 UTC.

    Its end follows from ``start``, ``limit`` (a duration's text), ``counting`` (the rule by which days count, empty for
    that of before), ``pauses`` (from, to; an empty end: it does not run now), ``extended`` (the extensions granted, as
    durations' texts) and the calendar of that digest. Periods of before these were noted have none of them.
    """

    kind: str
    generation: int
    start: str
    due: str
    bound: str
    clause: str
    provisional: bool
    limit: str = ""
    calendar: str = ""
    pauses: tuple[tuple[str, str], ...] = ()
    extended: tuple[str, ...] = ()
    counting: str = ""

    @property
    def is_paused(self) -> bool:
        """Tell whether it does not run at present."""
        return bool(self.pauses) and not self.pauses[-1][1]

    def as_json(self) -> dict[str, Any]:
        """Return the form that entries and case rows hold; what is empty of the later fields is left out."""
        found = {name: value for name, value in vars(self).items() if value or name in _FIRST_KEYS}
        if self.pauses:
            found["pauses"] = [list(pause) for pause in self.pauses]
        if self.extended:
            found["extended"] = list(self.extended)
        return found

    @staticmethod
    def read(body: Mapping[str, Any]) -> "Clock":
        """Read what ``as_json`` gives, also from before the later fields were known."""
        pauses = tuple((begin, end) for begin, end in body.get("pauses", ()))
        return Clock(**{**body, "pauses": pauses, "extended": tuple(body.get("extended", ()))})


_FIRST_KEYS = ("kind", "generation", "start", "due", "bound", "clause", "provisional")


@dataclass(frozen=True)
class Case:
    """A case as its row holds it; everything here but nothing else follows from its entries (``replay``)."""

    county: str
    number: str
    definition: str
    definition_digest: str
    policy: str
    policy_digest: str
    purpose: str
    subject: str
    state: str
    seq: int
    head: str
    closed: bool
    fields: Mapping[str, Any]
    clocks: Mapping[str, Clock]
    opened_at: str


@dataclass(frozen=True)
class Evidence:
    """A file that was handed in: its kind and the SHA-256 of the original bytes."""

    kind: str
    sha256: str
    bytes: int
    mime: str

    def as_json(self) -> dict[str, Any]:
        """Return the form that entries hold."""
        return dict(vars(self))


@dataclass(frozen=True)
class Command:
    """What somebody asks for. ``case`` is None to open one; ``version`` is the entry count that the page showed.

    ``salt_seed`` (32 random bytes) makes the salts of personal values and is forgotten afterwards. ``is_opening`` says
    that a roster's import asks: pages and API never set it.
    """

    action: str
    key: str
    salt_seed: bytes
    definition: str
    case: str | None = None
    purpose: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    version: int | None = None
    is_opening: bool = False


@dataclass(frozen=True)
class Dossier:
    """All cases of one subject as read under lock, oldest first."""

    subject: Subject
    cases: tuple[Case, ...] = ()

    def open_case(self, definition: str) -> Case | None:
        """Return the open case of a definition, if any."""
        return next((c for c in self.cases if c.definition == definition and not c.closed), None)

    def latest(self, definition: str) -> Case | None:
        """Return the newest case of a definition, open or closed."""
        return next((c for c in reversed(self.cases) if c.definition == definition), None)

    def by_number(self, number: str) -> Case | None:
        """Return the case with a number."""
        return next((c for c in self.cases if c.number == number), None)

    def with_case(self, case: Case) -> "Dossier":
        """Return the dossier with one case replaced or added."""
        if self.by_number(case.number) is None:
            return Dossier(self.subject, (*self.cases, case))
        return Dossier(self.subject, tuple(case if c.number == case.number else c for c in self.cases))


@dataclass(frozen=True)
class Deadline:
    """A period to be swept: the frozen clock and what the scheduler does with it (``mode``).

    mode: lapse (somebody is late), reached (a minimum has ended), right (a right ends), fires (an action is due),
    recurring (a duty of each period).
    """

    case: str
    clock: Clock
    mode: str
    fires: str | None = None


@dataclass(frozen=True)
class EndedDeadline:
    """A period that a move ended; how is met, late, cancelled or fired."""

    case: str
    kind: str
    generation: int
    how: str


@dataclass(frozen=True)
class Message:
    """Something to tell: a word key with parameters, to roles that cover the subject's area or to one person.

    What is told of no case (``case`` is empty then) names its area: 12 digits.
    """

    case: str
    key: str
    roles: tuple[str, ...] = ()
    person: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    area: str = ""


@dataclass(frozen=True)
class Move:
    """One entry sealed into one case, the case as it stands after it, and what the entry says (``body``)."""

    case: Case
    entry: Sealed
    disclosures: tuple[Disclosure, ...]
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """All that one command does; it is recorded in one transaction or not at all."""

    moves: tuple[Move, ...]
    started: tuple[Deadline, ...] = ()
    ended: tuple[EndedDeadline, ...] = ()
    messages: tuple[Message, ...] = ()

    @property
    def case(self) -> Case:
        """The case that the command was about, as it stands now."""
        return self.moves[0].case
