"""Takes a document that was sent apart, element by element, and knows what of it nobody has taken."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from app.core.problems import FieldError
from app.fhir.elements import Json
from app.fhir.problems import NotProcessable, not_processable

# Of a resource: what it is, what is said of it as a record, and what its sender made of the rest for people to read.
_OF_RESOURCES: Final = frozenset({"resourceType", "id", "meta", "implicitRules", "language", "text"})
_OF_ELEMENTS: Final = frozenset({"id"})

Place = tuple[str | int, ...]


class Element:
    """An element with all that is in it. What is taken of it is kept; the rest is ``left``."""

    def __init__(self, value: Json, path: str, place: Place = ()) -> None:
        self.path = path
        self._place = place
        ignored = _OF_ELEMENTS if place else _OF_RESOURCES
        self._left = {name: item for name, item in value.items() if name not in ignored}
        self._within: list[Element] = []

    def has(self, name: str) -> bool:
        """Say whether there is an element that nobody has taken."""
        return name in self._left

    def take(self, name: str) -> Any:
        """Return the value of an element, ``None`` if there is none."""
        return self._left.pop(name, None)

    def take_if(self, name: str, value: Any) -> bool:
        """Take an element if it says ``value``, in upper or lower case; say whether it does."""
        said = self._left.get(name)
        is_same = said is not None and value is not None and str(said).casefold() == str(value).casefold()
        if is_same:
            del self._left[name]
        return is_same

    def within(self, name: str) -> "Element | None":
        """Return the element of a name with what is in it, ``None`` if there is none."""
        value = self._left.pop(name, None)
        return None if value is None else self._found(value, f"{self.path}.{name}", (name,))

    def all(self, name: str) -> list["Element"]:
        """Return the elements of a name that there can be many of."""
        return [
            self._found(value, f"{self.path}.{name}[{index}]", (name, index))
            for index, value in enumerate(self._left.pop(name, ()))
        ]

    def one(self, name: str) -> "Element | None":
        """Return the only element of a name; raises ``NotProcessable`` where there are several."""
        found = self.all(name)
        if len(found) > 1:
            raise not_processable(found[1].path, "one is kept here", "not-supported")
        return found[0] if found else None

    def left(self) -> Iterator[tuple[Place, str, Any]]:
        """Yield what nobody has taken, here and within: its place, its path, and what it says."""
        for name, value in self._left.items():
            yield (*self._place, name), f"{self.path}.{name}", value
        for element in self._within:
            yield from element.left()

    def _found(self, value: Json, path: str, place: Place) -> "Element":
        element = Element(value, path, (*self._place, *place))
        self._within.append(element)
        return element


def require_kept(document: Element, *shown: Json) -> None:
    """Raise ``NotProcessable`` for what was left of a document, unless it says what is ``shown`` anyway."""
    lost = [
        FieldError(path, "this is not kept here: leave it out", "not-supported")
        for place, path, value in document.left()
        if all(_at(one, place) != value for one in shown)
    ]
    if lost:
        raise NotProcessable(errors=lost)


def _at(value: Any, place: Sequence[str | int]) -> Any:
    for step in place:
        match value, step:
            case dict(), str():
                value = value.get(step)
            case list(), int() if step < len(value):
                value = value[step]
            case _:
                return None
    return value
