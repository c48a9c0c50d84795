"""The way in: to the page that a person's day begins with."""

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

from app.access import home_page

pages = Blueprint("home", __name__)


@pages.get("/")
def index() -> Response:
    """Go to the first page of the person's role."""
    return redirect(url_for(home_page()))
