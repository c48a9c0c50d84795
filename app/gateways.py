"""Gateways of WeCom, DingTalk and short messages: one text to one person, each answer sorted by who is to act.

Only built on ``app.outward``. A text holds counts and words, never anything of a household: see ``letters.brief_of``.
"""

import http.client
import ipaddress
import json
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from app.outward import SECONDS, Allowed, ask
from app.smtp import BOUNCED, FAILED, LATER, SENT, UNTOUCHED, Answer
from workflows.errors import ForbiddenAddress

ACCOUNT = re.compile(r"[0-9A-Za-z_.@-]{1,64}")  # user ids of WeCom and DingTalk
MOBILE = re.compile(r"1[3-9][0-9]{9}")
SHORTEST_RENEWAL = 60.0  # seconds: a token is asked for anew so long before it ends
# WeCom's and DingTalk's codes; see docs/channels.md for their sources.
TOKEN_GONE = frozenset({40014, 42001})
WECOM_BUSY = frozenset({-1, 45009, 45033})
WECOM_NOBODY = frozenset({40031, 60111, 81013, 82001})
DINGTALK_BUSY = frozenset({-1, 88, 90002, 90003, 90004, 90005, 90006, 90018})
DINGTALK_NOBODY = frozenset({33012, 60121, 400002})
SMS_NOBODY, SMS_BUSY = {410, 422}, {408, 425, 429}


class Gateway(Protocol):
    """What the queue needs of a channel."""

    def send(self, text: str, address: str) -> Answer:
        """Send one text to one address; nothing of the other side is raised, all of it is an answer."""


@dataclass(frozen=True)
class Site:
    """Where a gateway is and who we are there; the secret is shown nowhere."""

    base: str
    account: str
    secret: str = field(repr=False)
    agent: str
    allowed: Allowed


def site_of(name: str, url: str, agent: str) -> Site:
    """Read a setting such as https://corp:secret@qyapi.weixin.qq.com/?agentid=1000002.

    ``agent`` is the key after ? that must be there, or empty. Raises ValueError that names the variable and never
    repeats the secret. The host that is named may lie inside; http without TLS only on this machine.
    """
    try:
        parts = urlsplit(url)
        host, query = parts.hostname or "", parse_qs(parts.query, strict_parsing=bool(parts.query))
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise ValueError(f"{name}: not an address") from error
    if parts.scheme not in ("https", "http") or not host or parts.fragment:
        raise ValueError(f"{name}: must be https://account:secret@host/")
    if parts.scheme == "http" and not _is_here(host):
        raise ValueError(f"{name}: without TLS only to this machine")
    if not parts.username or not parts.password:
        raise ValueError(f"{name}: account and secret are missing: https://account:secret@host/")
    if not re.fullmatch(r"[\x21-\x7e]+", unquote(parts.username) + unquote(parts.password)):
        raise ValueError(f"{name}: account and secret may hold ASCII characters without blanks only")
    number = query.pop(agent, [""])[0] if agent else ""
    if query or bool(agent) != bool(re.fullmatch("[0-9]{1,20}", number)):
        raise ValueError(f"{name}: after ? just {agent}=number is needed" if agent else f"{name}: nothing after ?")
    shown = f"[{host}]" if ":" in host else host
    base = f"{parts.scheme}://{shown}{port}{parts.path.rstrip('/')}"
    allowed = Allowed(hosts=frozenset({host}), plain_http=parts.scheme == "http")
    return Site(base, unquote(parts.username), unquote(parts.password), number, allowed)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class NoAnswerError(Exception):
    """The other side could not be reached, or said nothing that can be read; the text is a word without values."""


def _asked(site: Site, method: str, path: str, body: Mapping[str, Any] | None, **headers: str) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    more = {"Content-Type": "application/json; charset=utf-8"} if body is not None else {}
    sent = {"User-Agent": "fangpin", "Accept": "application/json", **more, **headers}
    try:
        status, answer = ask(method, site.base + path, data, sent, allowed=site.allowed, seconds=SECONDS)
    except ForbiddenAddress as refused:
        raise NoAnswerError(f"{refused.code} {refused.params['reason']}") from refused
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswerError(type(error).__name__) from error
    try:
        return status, json.loads(answer) if answer else {}
    except ValueError:
        return status, {}


@dataclass
class _Token:
    """One access token for all threads of a process, asked for when needed."""

    text: str = ""
    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Platform(ABC):
    """What WeCom and DingTalk share: a token by GET, then a message by POST, and an errcode in each answer."""

    token_path = message_path = ""
    busy: frozenset[int] = frozenset()
    nobody: frozenset[int] = frozenset()

    def __init__(self, site: Site, clock: Callable[[], float] = time.monotonic) -> None:
        self.site, self._clock, self._token = site, clock, _Token()

    def send(self, text: str, address: str) -> Answer:
        """Send one text; a token that has ended before its time is renewed once."""
        try:
            code, body = self._posted(text, address, renew=False)
            if code in TOKEN_GONE:
                code, body = self._posted(text, address, renew=True)
        except NoAnswerError as error:
            return Answer(UNTOUCHED, str(error), is_down=True)
        return self._sorted(code, body)

    def _posted(self, text: str, address: str, *, renew: bool) -> tuple[int, Mapping[str, Any]]:
        code, token = self._valid_token(renew=renew)
        if code:
            return code, {}
        path = f"{self.message_path}?{urlencode({'access_token': token})}"
        return _code(*_asked(self.site, "POST", path, self.message(text, address)))

    def _valid_token(self, *, renew: bool) -> tuple[int, str]:
        """Return 0 and the token, or the code with which it was refused."""
        held = self._token
        with held.lock:
            if held.text and not renew and self._clock() < held.until:
                return 0, held.text
            code, body = _code(*_asked(self.site, "GET", f"{self.token_path}?{self.credentials()}", None))
            if code:
                return code, ""
            lasts = max(float(body.get("expires_in", 0)) - SHORTEST_RENEWAL, 0.0)
            held.text, held.until = str(body.get("access_token", "")), self._clock() + lasts
            return 0, held.text

    def _sorted(self, code: int, body: Mapping[str, Any]) -> Answer:
        if code == 0:
            # Taken, but not for this person: the only one it was for.
            return Answer(BOUNCED, "invaliduser") if body.get("invaliduser") else Answer(SENT, "0")
        if code in self.nobody:
            return Answer(BOUNCED, str(code))
        if code in self.busy or code >= HTTP:
            return Answer(LATER, _said(code), is_down=True)
        # The account, the secret, the agent or this machine's address: nothing that a message could help.
        return Answer(UNTOUCHED, _said(code), is_down=True)

    @abstractmethod
    def credentials(self) -> str:
        """Return the query that asks for a token."""

    @abstractmethod
    def message(self, text: str, address: str) -> Mapping[str, Any]:
        """Return the body that sends a text."""


HTTP = 10**7  # HTTP statuses are kept apart from the platforms' own codes


def _code(status: int, body: Any) -> tuple[int, Mapping[str, Any]]:
    if status != 200 or not isinstance(body, dict) or type(body.get("errcode")) is not int:
        return HTTP + status, {}
    return body["errcode"], body


def _said(code: int) -> str:
    return f"HTTP {code - HTTP}" if code >= HTTP else str(code)


class WeCom(Platform):
    """An application's messages in WeCom: GET /cgi-bin/gettoken, POST /cgi-bin/message/send."""

    token_path, message_path = "/cgi-bin/gettoken", "/cgi-bin/message/send"
    busy, nobody = WECOM_BUSY, WECOM_NOBODY

    def credentials(self) -> str:
        """Return corporation and secret."""
        return urlencode({"corpid": self.site.account, "corpsecret": self.site.secret})

    def message(self, text: str, address: str) -> Mapping[str, Any]:
        """Return a text; the same one twice within half an hour is dropped over there."""
        told = {"msgtype": "text", "agentid": int(self.site.agent), "text": {"content": text}}
        return {"touser": address, **told, "safe": 0, "enable_duplicate_check": 1, "duplicate_check_interval": 1800}


class DingTalk(Platform):
    """Work notices of DingTalk: GET /gettoken, POST /topapi/message/corpconversation/asyncsend_v2."""

    token_path, message_path = "/gettoken", "/topapi/message/corpconversation/asyncsend_v2"
    busy, nobody = DINGTALK_BUSY, DINGTALK_NOBODY

    def credentials(self) -> str:
        """Return key and secret of the application."""
        return urlencode({"appkey": self.site.account, "appsecret": self.site.secret})

    def message(self, text: str, address: str) -> Mapping[str, Any]:
        """Return a text to one person."""
        told = {"msgtype": "text", "text": {"content": text}}
        return {"agent_id": int(self.site.agent), "userid_list": address, "to_all_user": False, "msg": told}


class Sms:
    """A gateway for short messages by a plain protocol of ours: POST {to, text, id} with a bearer token."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def send(self, text: str, address: str) -> Answer:
        """Send one text to one mobile number."""
        body = {"account": self.site.account, "to": address, "text": text}
        try:
            status, _ = _asked(self.site, "POST", "", body, Authorization=f"Bearer {self.site.secret}")
        except NoAnswerError as error:
            return Answer(UNTOUCHED, str(error), is_down=True)
        if 200 <= status < 300:
            return Answer(SENT, str(status))
        if status in SMS_NOBODY:
            return Answer(BOUNCED, str(status))
        if status in SMS_BUSY or status >= 500:
            return Answer(LATER, str(status), is_down=True)
        return Answer(
            UNTOUCHED if status in (401, 403, 404) else FAILED, str(status), is_down=status in (401, 403, 404)
        )


MAKERS: Mapping[str, tuple[Callable[[Site], Gateway], str]] = {
    "wecom": (WeCom, "agentid"),
    "dingtalk": (DingTalk, "agent_id"),
    "sms": (Sms, ""),
}


def is_address(channel: str, text: str) -> bool:
    """Tell whether a text may be somebody's address on a channel."""
    return bool((MOBILE if channel == "sms" else ACCOUNT).fullmatch(text))
