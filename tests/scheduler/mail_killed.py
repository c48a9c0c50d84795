"""A sender as a process of its own that is killed at its n-th act, between what the server took and what is noted."""

import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from app.services import mails
from app.smtp import Answer, Mailer
from app.store.mails import Due
from tests.scheduler.post_office import SENDER, use
from tests.world import World


def main(url: str, folder: str, port: str, now: str, act: str) -> None:
    """Send what is due and die before noting the n-th mail."""
    world = World(url, Path(folder), now=datetime.fromisoformat(now))
    use(world, Mailer("127.0.0.1", int(port), "none", SENDER), base_url="https://site.example")
    left, settle = int(act), mails.settle

    def dying(due: Due, answer: Answer) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        settle(due, answer)

    mails.settle = dying
    mails.MOST_SINGLE = 1000  # one mail for each reminder
    with world.app.app_context():
        mails.send_due()


if __name__ == "__main__":
    main(*sys.argv[1:])
