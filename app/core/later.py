"""Libraries that are loaded when something of them is first needed: most processes never come to that."""

from importlib import import_module
from typing import Any


class Later:
    """Stands for a library. Written beside the import that types are checked by, under the same name."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        """Return what the library calls so."""
        return getattr(import_module(self._name), name)
