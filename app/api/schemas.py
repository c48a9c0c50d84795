"""The forms of answers: what OpenAPI says of them, and nothing else gets out."""

from marshmallow import Schema, fields


def nested(schema: type[Schema], *, many: bool = False) -> fields.Nested:
    """Return a required part of an answer."""
    return fields.Nested(schema, many=many, required=True)


class Named(Schema):
    """An id with its label in the reader's language."""

    id = fields.String(required=True)
    label = fields.String(required=True)


class Head(Schema):
    """What every answer says of a case; ``version`` is the number of its entries."""

    number = fields.String(required=True)
    version = fields.Integer(required=True)
    definition = nested(Named)
    purpose = nested(Named)
    state = nested(Named)
    closed = fields.Boolean(required=True)
    opened_at = fields.String(required=True)


class ClockBody(Schema):
    """A running period; ``due`` is exclusive, ``last_day`` the day before in words; a paused one is due in 9999.

    ``limit`` is the duration that it was made from (empty for periods of before), ``extended`` what was added to it.
    """

    kind = fields.String(required=True)
    label = fields.String(required=True)
    bound = fields.String(required=True)
    start = fields.String(required=True)
    due = fields.String(required=True)
    last_day = fields.String(required=True)
    left = fields.String(required=True)
    clause = fields.String(required=True)
    provisional = fields.Boolean(required=True)
    limit = fields.String(required=True)
    paused = fields.Boolean(required=True)
    extended = fields.List(fields.String(), required=True)


class Member(Schema):
    """A member of a household; the number of identity is masked."""

    name = fields.String(required=True)
    relation = fields.String(required=True)
    sex = fields.String(required=True)
    age = fields.String(required=True)
    id = fields.String(required=True)


class CaseHousehold(Schema):
    """The household of a case."""

    number = fields.String(required=True)
    national_number = fields.String(required=True)
    head_name = fields.String(required=True)
    kind = nested(Named)
    township = nested(Named)
    village = nested(Named)
    group = fields.String(required=True)
    phone_masked = fields.String(required=True)
    members = nested(Member, many=True)


class Change(Schema):
    """A field that an entry changed, as people read it."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    before = fields.String(required=True)
    after = fields.String(required=True)


class EvidenceBody(Schema):
    """A sealed piece of evidence: digest and size of the original, address of the copy that is shown."""

    kind = fields.String(required=True)
    label = fields.String(required=True)
    sha256 = fields.String(required=True)
    bytes = fields.Integer(required=True)
    mime = fields.String(required=True)
    url = fields.String(required=True)


class Ended(Schema):
    """A period that ended with an entry: met, late, cancelled or fired."""

    kind = fields.String(required=True)
    label = fields.String(required=True)
    how = fields.String(required=True)
    due = fields.String(required=True)


class Entry(Schema):
    """One sealed entry."""

    seq = fields.Integer(required=True)
    at = fields.String(required=True)
    action = nested(Named)
    actor = fields.String(required=True)
    office = fields.String(required=True)
    source = fields.String(required=True)
    target = fields.String(required=True)
    changes = nested(Change, many=True)
    evidence = nested(EvidenceBody, many=True)
    ended = nested(Ended, many=True)
    clauses = fields.List(fields.String(), required=True)


class Reason(Schema):
    """Why something may not be done: stable code, sentence, parameters."""

    code = fields.String(required=True)
    sentence = fields.String(required=True)
    params = fields.Dict(required=True)


class FieldBody(Schema):
    """A field of a form; type money is in fen, person an account id, date an ISO day."""

    id = fields.String(required=True)
    label = fields.String(required=True)
    type = fields.String(required=True)
    required = fields.Boolean(required=True)
    options = nested(Named, many=True)
    section = fields.String(required=True, metadata={"description": "heading above this field; empty: as before"})
    explains = fields.String(
        required=True, metadata={"description": "the question whose answer (a box ticked, or false) asks for this text"}
    )
    never_decides = fields.Boolean(
        required=True, metadata={"description": "recorded and shown only: no rule may refuse for it"}
    )


class AllowedBody(Schema):
    """An action: allowed, or the reason why not."""

    action = fields.String(required=True)
    label = fields.String(required=True)
    allowed = fields.Boolean(required=True)
    behalf = fields.String(required=True, metadata={"description": "the absent person for whom it would be signed"})
    reason = fields.Nested(Reason, required=True, allow_none=True)
    fields_ = fields.Nested(FieldBody, many=True, required=True, data_key="fields", attribute="fields")
    evidence = nested(Named, many=True)
    targets = nested(Named, many=True)
    warnings = nested(Named, many=True)


class CaseBody(Head):
    """A case on one screen."""

    head = fields.String(required=True, metadata={"description": "hash of the newest entry"})
    rules = nested(Named)
    waits_for = nested(Named, many=True)
    clocks = nested(ClockBody, many=True)
    household = nested(CaseHousehold)
    cases = nested(Head, many=True)
    entries = nested(Entry, many=True)
    allowed_actions = nested(AllowedBody, many=True)
    as_of = fields.String(required=True)
    is_past = fields.Boolean(
        required=True, metadata={"description": "shown as it stood at the end of a day, by replay of its entries"}
    )


class Candidate(Schema):
    """An account that may be named in a field of type person."""

    account = fields.String(required=True)
    name = fields.String(required=True)


class FormBody(AllowedBody):
    """The form of one action: also who may be named in it, and which records it may correct."""

    version = fields.Integer(required=True)
    people = fields.Dict(keys=fields.String(), values=fields.List(fields.Nested(Candidate)), required=True)
    correctable = nested(Named, many=True)


class ClueForm(Schema):
    """What a clue asks for; or the reason why none may be registered now."""

    allowed = fields.Boolean(required=True)
    reason = fields.Nested(Reason, required=True, allow_none=True)
    fields_ = fields.Nested(FieldBody, many=True, required=True, data_key="fields", attribute="fields")


class DoneBody(Schema):
    """What a command on a case did; ``repeated`` when the key was answered before."""

    case = fields.String(required=True)
    entry = fields.Integer(required=True)
    repeated = fields.Boolean(required=True)


class AnswerBody(Schema):
    """What became of one case: its entry, or the reason why it was refused."""

    case = fields.String(required=True)
    done = fields.Boolean(required=True)
    entry = fields.Integer(required=True, allow_none=True)
    repeated = fields.Boolean(required=True)
    reason = fields.Nested(Reason, required=True, allow_none=True)


class SeveralBody(Schema):
    """What became of several cases, in the order asked for."""

    rows = nested(AnswerBody, many=True)
    done = fields.Integer(required=True)
    refused = fields.Integer(required=True)


class House(Schema):
    """A household as lists show it."""

    number = fields.String(required=True)
    national_number = fields.String(required=True)
    head_name = fields.String(required=True)
    kind = nested(Named)
    member_count = fields.Integer(required=True)
    township = nested(Named)
    village = nested(Named)
    group = fields.String(required=True)


class CaseLine(Head):
    """A case in a list."""

    household = nested(House)
    due = fields.String(required=True)
    behalf = fields.String(required=True, metadata={"description": "the absent person for whom it waits for you"})


class Listed(Schema):
    """A page of a list: ``next`` asks for the next one and is empty at the end."""

    next = fields.String(required=True)
    as_of = fields.String(required=True)


class AreaCount(Schema):
    """An area with a number."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    count = fields.Integer(required=True)
