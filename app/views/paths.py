"""Addresses of this site that come from a request: checked, so that none leads to another host."""

import re
from urllib.parse import urlsplit

from flask import request

HERE = "/"
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def safe_path(path: str) -> str:
    """Return a path of this site, or the first page: never another host."""
    # Browsers drop control characters and read a backslash as a slash: both can turn a path into another host.
    if not path.startswith("/") or "\\" in path or CONTROL.search(path):
        return HERE
    try:
        parts = urlsplit(path)
    except ValueError:
        return HERE
    return HERE if parts.scheme or parts.netloc or parts.path.startswith("//") else path


def page_before() -> str:
    """Return the page of this site that a request came from, or an empty text when there is none to go back to."""
    try:
        sent = urlsplit(request.referrer or "")
    except ValueError:
        return ""
    if sent.netloc != request.host:
        return ""
    path = safe_path(f"{sent.path}?{sent.query}" if sent.query else sent.path)
    return "" if path == HERE else path
