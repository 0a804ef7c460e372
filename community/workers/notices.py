"""What providers and their workers are told: that a certificate runs out, that somebody is sent to nobody."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Channel, Kind, Notice, Urgency

HOME_WORK: Final = Category(key="home_work", names={"en": "Work in homes", "zh-CN": "上门工作"})

_SKILL: Final[dict[str, Kind]] = {"worker": "account", "skill": "word", "last_day": "date"}


def _notice(name: str, *, urgency: Urgency = "normal", variables: dict[str, Kind] | None = None) -> Notice:
    channels: tuple[Channel, ...] = ("push", "mail", "inbox")
    return Notice(
        key=f"community.{name}",
        category=HOME_WORK.key,
        urgency=urgency,
        channels=channels,
        mode="first",
        package="community.workers",
        variables=variables or {},
        useful_for=timedelta(days=7),
    )


SKILL_EXPIRES: Final = _notice("skill_expires", variables=_SKILL)
SKILL_EXPIRED: Final = _notice("skill_expired", urgency="high", variables=_SKILL)
WORKER_SUSPENDED: Final = _notice("worker_suspended", urgency="high")
WORKER_REINSTATED: Final = _notice("worker_reinstated")
