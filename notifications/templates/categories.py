"""What a category is: the kind of news a person can silence, gather or be spared, declared once by who sends it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Cap:
    """At most ``most`` messages in a ``period`` to one person over one channel; the rest is told of at its end."""

    most: int
    period: timedelta


USUAL_CAP = Cap(10, timedelta(hours=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A kind of notice as people see it; ``Notice.category`` is its ``key``. What is critical obeys none of it.

    ``names`` says it in every language of ours; digests show it on locked screens, so it says nothing of anyone's
    health. ``mutable``: a person may silence it. ``digestible``: a person may have it gathered. What
    ``breaks_quiet_hours`` is worth waking somebody for, so nothing else makes it wait either.
    """

    key: str
    names: Mapping[str, str]
    mutable: bool = True
    digestible: bool = True
    breaks_quiet_hours: bool = False
    cap: Cap | None = USUAL_CAP

    def __post_init__(self) -> None:
        """Register the category; raises ``ValueError`` for a contradictory one or a key that is taken."""
        if self.breaks_quiet_hours and (self.digestible or self.cap is not None):
            raise ValueError(f"{self.key} is worth waking somebody for and yet made to wait")
        if _registry.setdefault(self.key, self) != self:
            raise ValueError(f"there are two categories {self.key}")


_registry: dict[str, Category] = {}


def categories() -> Mapping[str, Category]:
    """Return every declared category by key."""
    return _registry


def name_of(key: str, language: str) -> str:
    """Return what a category is called in one of our languages; one that is no longer declared has only its key."""
    category = _registry.get(key)
    return category.names[language] if category else key


DIGESTS = Category(
    key="digests", names={"en": "Digests", "zh-CN": "消息汇总"}, mutable=False, digestible=False, cap=None
)
"""What the others are told in; nobody chooses anything about it."""
