"""``python -m app.cli``: the command line without its script, as the demo starts its parts."""

from app.cli import main

main()
