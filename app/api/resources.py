"""What all resources share: blueprints behind the token, the reading of bodies, commands by key, answers and errors."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, NoReturn, TypeVar, cast

from flask import Response, jsonify, request
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, HTTPException, InternalServerError

from app.api import auth, problems
from app.services import requests
from workflows.characters import ensure_seen
from workflows.errors import Refused

PREFIX = "/api/v1"
DEEPEST, LARGEST = 8, 10**15
View = TypeVar("View", bound=Callable[..., Any])
KEY_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9A-Za-z_-]{1,64}$"},
    "example": "2f1c9f0e6a7b",
    "description": "1 to 64 letters, digits, - or _; the same key with the same command gets the same answer.",
}


class Problem(Schema):
    """A refusal: RFC 9457 with our stable code and its parameters."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    params = fields.Dict()
    errors = fields.Dict()
    reference = fields.String()


REFUSED = "Refused"  # the one response of the document that describes a problem
PROBLEM_EXAMPLE = {
    "type": "urn:fangpin:stale",
    "title": "页面已过时",
    "status": 409,
    "detail": "您打开页面之后，他人已办理了本案（您看到的是第3步，现在是第4步）。请刷新页面，看清变化后再办理。",
    "code": "stale",
    "params": {"seen": 3, "present": 4},
}


class Parser(FlaskParser):
    """Reads JSON bodies as the core can take them: no fractions, no NUL, nothing deep or huge."""

    def load_json(self, req: Any, schema: Any) -> Any:
        """Return the body as an object; BadRequest when it is none."""
        raw = request.get_data(cache=True)
        try:
            body = json.loads(raw or b"{}", parse_float=_refuse, parse_constant=_refuse)
            ensure_plain(body)
        except (ValueError, RecursionError) as error:
            raise BadRequest from error
        if not isinstance(body, dict):
            raise BadRequest
        ensure_seen(*_texts_in(body))
        return body


def _texts_in(value: object) -> Iterator[str]:
    """All texts that people entered: every string but passwords, and no names of fields."""
    if isinstance(value, str):
        yield value
    named = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in named:
        if "password" not in str(name):
            yield from _texts_in(item)


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


def ensure_plain(value: object, depth: int = 0) -> None:
    """Raise ValueError for what no column and no entry can hold."""
    if depth > DEEPEST or (isinstance(value, int) and abs(value) > LARGEST):
        raise ValueError("too deep or too large")
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("NUL")
        value.encode()  # a lone surrogate raises UnicodeEncodeError, a ValueError
    inner = [*value.keys(), *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    for item in inner:
        ensure_plain(item, depth + 1)


class Resource(Blueprint):  # type: ignore[misc] # flask-smorest ships no types
    """A blueprint of the API: every route behind the token, every refusal a problem."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, name: str, description: str) -> None:
        super().__init__(f"api_{name}", __name__, url_prefix=PREFIX, description=description)
        self.before_request(auth.guard)
        self.register_error_handler(Refused, problems.refused)
        self.register_error_handler(HTTPException, problems.http)
        self.register_error_handler(InternalServerError, problems.fault)
        self.register_error_handler(Exception, problems.fault)

    # These three only add types to what flask-smorest ships without.
    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Let a view answer an address."""
        return cast("Callable[[View], View]", super().route(rule, **options))

    def arguments(self, schema: Any, **options: Any) -> Callable[[View], View]:
        """Read and check a body or a query before the view."""
        return cast("Callable[[View], View]", super().arguments(schema, **options))

    def doc(self, **options: Any) -> Callable[[View], View]:
        """Add to what the document says of a view."""
        return cast("Callable[[View], View]", super().doc(**options))

    def answers(
        self, schema: Any = None, *, status: int = 200, example: Any = None, refusals: tuple[int, ...] = ()
    ) -> Callable[[View], View]:
        """Document what a route answers, and by which problems it refuses; 400 to 429 are every route's."""

        def decorate(view: View) -> View:
            documented = view
            for code in sorted({400, 401, 403, 404, 422, 429, *refusals}):
                documented = self.alt_response(code, REFUSED)(documented)
            return cast("View", self.response(status, schema, example=example)(documented))

        return decorate

    def command(self, view: View) -> View:
        """Let a route that is no case's command be carried out once a key."""

        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Response:
            def do() -> tuple[int, Mapping[str, Any]]:
                return cast("tuple[int, Mapping[str, Any]]", view(*args, **kwargs))

            done = requests.once(auth.bearer().signed.user_id, sent_key(), request_digest(), do)
            response = jsonify({**done.body, "repeated": done.repeated})
            response.status_code = done.status
            return response

        return cast("View", self.doc(parameters=[KEY_HEADER])(wrapper))


def sent_key() -> str:
    """Return the idempotency key of a command; raise KeyMissing."""
    return requests.ensure_key(request.headers.get("Idempotency-Key", ""))


def request_digest() -> str:
    """Return the digest of what was asked: method, address and body."""
    head = f"{request.method} {request.full_path}\n".encode()
    return hashlib.sha256(head + request.get_data(cache=True)).hexdigest()


class After(Schema):
    """The key of a page: the ``next`` of the page before."""

    after = fields.String(load_default="", metadata={"description": "`next` of the page before"})
