"""One family of refusals: each says what happened by a stable code and parameters, never by a sentence."""

from collections.abc import Mapping
from typing import Any, ClassVar


class Refused(Exception):
    """A command was refused and changed nothing; the sentence for people stands in terms under refused.<code>."""

    code: ClassVar[str] = "refused"
    noted: bool = False  # whether it stands in the access ledger

    def __init__(self, **params: object) -> None:
        super().__init__(self.code, params)
        self.params: Mapping[str, object] = params

    def __str__(self) -> str:
        return f"{self.code} {dict(self.params)}" if self.params else self.code


class NotFound(Refused):
    """There is no such case, household or file, or it lies outside what the person may see."""

    code = "not_found"


class UnknownAction(Refused):
    """The definition has no such action, or people may not ask for it directly."""

    code = "unknown_action"


class WrongState(Refused):
    """The case waits elsewhere: the action does not start from its present state."""

    code = "wrong_state"


class WrongOffice(Refused):
    """The person holds none of the roles that may act here, at the level that is asked."""

    code = "wrong_office"


class OutOfArea(Refused):
    """The person's office lies in another area."""

    code = "out_of_area"


class Stale(Refused):
    """The page was made before somebody else's move."""

    code = "stale"


class ClockBack(Refused):
    """The clock stands before the household's latest entry: it was set back, or entries were sealed in the future."""

    code = "clock_back"


class NotSigned(Refused):
    """A print was to bear the office's electronic seal and can't (``why``): nothing was printed."""

    code = "not_signed"


class SealBusy(Refused):
    """Another process seals the county just now; ``until`` is when it has to be done at the latest."""

    code = "seal_busy"


class SealStale(Refused):
    """A sealer was overtaken: another one took over after it stood still, and what it still wanted to write is void."""

    code = "seal_stale"


class SealForked(Refused):
    """What was given out of a county's log (``found``) is not in the present one (``size`` leaves): nothing is sealed.

    ``how``: smaller (leaves are missing), differs (another history), key (signed by another key), era (another log).
    """

    code = "seal_forked"


class SealWhole(Refused):
    """Nothing outside stands against the county's log, so there is nothing to accept."""

    code = "seal_whole"


class NoSigningKey(Refused):
    """The file of keys holds none that signs, and it can't be written by this process, so that none can be made."""

    code = "no_signing_key"


class NeedsExplanation(Refused):
    """An answer of the form asks for a word of explanation; it refuses nobody, the form is only not complete."""

    code = "needs_explanation"


class NeedsJudgement(Refused):
    """The category differs from what the line suggests: the person says why, all circumstances taken together."""

    code = "needs_judgement"


class PaperNotReady(Refused):
    """A paper was asked for before the move that it tells of."""

    code = "paper_not_ready"


class MissingField(Refused):
    """A field that the step needs was left empty."""

    code = "missing_field"


class BadValue(Refused):
    """A field holds a value that its type does not allow."""

    code = "bad_value"


class HiddenCharacter(Refused):
    """A text holds a character that nobody sees (control, bidirectional, zero-width)."""

    code = "hidden_character"


class MissingEvidence(Refused):
    """A piece of evidence that the step needs was not handed in."""

    code = "missing_evidence"


class TooEarly(Refused):
    """A minimum period has not ended yet."""

    code = "too_early"


class TooLate(Refused):
    """A right has lapsed with its period."""

    code = "too_late"


class SameHand(Refused):
    """The person signed another gate of this case that must be held by other hands."""

    code = "same_hand"


class AlreadySigned(Refused):
    """The person has signed this step in this round already."""

    code = "already_signed"


class OwnHousehold(Refused):
    """The person heads or belongs to the household."""

    code = "own_household"


class HelperStepsAside(Refused):
    """The household's helper may not sign here."""

    code = "helper_steps_aside"


class RecusedPerson(Refused):
    """The person has declared recusal for this case."""

    code = "recused"


class ReturnFirst(Refused):
    """A later gate has signed on what was recorded: the case must be returned before it is corrected."""

    code = "return_first"


class BrokenChain(Refused):
    """What is stored does not verify against what was sealed: nothing is shown or printed before it was looked into."""

    code = "broken_chain"


class StepOpen(Refused):
    """A step that runs beside this one is not done yet."""

    code = "step_open"


class NoQuorum(Refused):
    """Too few of those entitled came to the meeting, or the votes do not add up to those present."""

    code = "no_quorum"


class VoteMismatch(Refused):
    """The recorded votes say the opposite of the recorded result."""

    code = "vote_mismatch"


class ConditionBars(Refused):
    """A condition that the pack makes binding is not met."""

    code = "condition_bars"


class UnfitSubstitute(Refused):
    """Who should stand in holds no office of the same level in the same county."""

    code = "unfit_substitute"


class ChainedSubstitute(Refused):
    """Who is absent stands in for somebody on those days, or who should stand in is absent then."""

    code = "chained_substitute"


class OverlappingAbsence(Refused):
    """An absence from the same office is recorded for some of those days."""

    code = "overlapping_absence"


class AlreadyOpen(Refused):
    """The subject has an open case of this kind."""

    code = "already_open"


class KeyReused(Refused):
    """The idempotency key was used before for another command."""

    code = "key_reused"


class BadFile(Refused):
    """A file is not what it claims to be, or is over the limits."""

    code = "bad_file"


class FileAltered(Refused):
    """The copy of a file that would be shown is not the one made when it was handed in, or is gone."""

    code = "file_altered"


class Throttled(Refused):
    """Too many failed attempts; wait."""

    code = "throttled"


class NudgedAlready(Refused):
    """The person pressed this case by hand today, or on as many days running as the policy allows."""

    code = "nudged_already"


class UrgedAlready(Refused):
    """A letter of formal urging about this period still waits for its answer."""

    code = "urged_already"


class NotAllowed(Refused):
    """The account has no right to this page or act."""

    code = "not_allowed"


class BadToken(Refused):
    """No token was sent, or one that is unknown, expired, revoked or of a disabled account."""

    code = "bad_token"


class OutOfScope(Refused):
    """The token is not for this: its scopes or its area are narrower."""

    code = "out_of_scope"


class KeyMissing(Refused):
    """A command came without an idempotency key."""

    code = "key_missing"


class KeyPending(Refused):
    """An earlier command with this key has not ended, or was cut off: nobody can say whether it was done."""

    code = "key_pending"


class VersionMissing(Refused):
    """A command on a case came without the version that it was made for."""

    code = "version_missing"


class BadRules(Refused):
    """A pack can't be read or doesn't fit; ``reasons`` name each mistake with its place."""

    code = "bad_rules"


class CaseStuck(Refused):
    """The case has no place under the other rules: its state is not there, or nothing leads on from it."""

    code = "case_stuck"


class NoPeriod(Refused):
    """No running period of the case can be paused, resumed or extended (``act``)."""

    code = "no_period"


class PeriodEnded(Refused):
    """The period has ended, or does not run here: it can be neither paused nor extended."""

    code = "period_ended"


class PeriodPaused(Refused):
    """The period is paused already; it does not end before it is resumed."""

    code = "period_paused"


class PeriodRuns(Refused):
    """The period runs: there is nothing to resume."""

    code = "period_runs"


class PeriodFixed(Refused):
    """The period can't be paused or extended by its nature: a right of the household, or a part of the calendar."""

    code = "period_fixed"


class MixedDuration(Refused):
    """A period in one kind of duration can't be extended by another kind."""

    code = "mixed_duration"


class BadDuration(Refused):
    """A text is no duration, or mixes several kinds (``given``); ``forms`` are those that there are."""

    code = "bad_duration"


class BadStart(Refused):
    """A text is no time at which a period could begin (``given``)."""

    code = "bad_start"


class ExtensionBound(Refused):
    """The pack allows no further extension of the period, or none so long."""

    code = "extension_bound"


class ForbiddenAddress(Refused):
    """Messages may not be sent to this address: it leads into this machine's own network, or is no https."""

    code = "forbidden_address"


class BadDocument(Refused):
    """A calendar's document can't be read or does not fit what is in force; ``reasons`` name each mistake.

    ``faults`` are the mistakes themselves, for who words them, ``file`` is where they stand.
    """

    code = "bad_calendar"
    faults: tuple[Any, ...] = ()
    file: str = ""
