"""What a category is: the kind of news a person can silence or be spared, declared once by who sends it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A kind of notice as people see it; ``Notice.category`` is its ``key``.

    ``names`` says it in every language of ours, without saying anything of anyone's health. ``mutable``: a person may
    silence it.
    """

    key: str
    names: Mapping[str, str]
    mutable: bool = True

    def __post_init__(self) -> None:
        """Register the category; raises ``ValueError`` for a key that is taken."""
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
