"""Pure decisions about broadcasts."""

from collections.abc import Mapping
from typing import Final, Literal

State = Literal["running", "done", "cancelled"]

# What is written can still wait on its way, for a night or for a provider: it can be called back as well.
NEXT: Final[Mapping[State, frozenset[State]]] = {
    "running": frozenset({"done", "cancelled"}),
    "done": frozenset({"cancelled"}),
    "cancelled": frozenset(),
}
