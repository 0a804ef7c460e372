"""What a loopback Stripe knows: its objects, its clock, and the events that tell of them."""

import itertools
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime
from typing import Any

from tests.emulators.stripe.wire import Json, RefusedError, missing

API_VERSION = "2026-10-28.endive"
PREFIXES = {
    "customer": "cus",
    "setup_intent": "seti",
    "payment_method": "pm",
    "payment_intent": "pi",
    "charge": "ch",
    "refund": "re",
    "dispute": "dp",
    "account": "acct",
    "transfer": "tr",
    "transfer_reversal": "trr",
    "event": "evt",
}
EXPANDABLE = {"latest_charge", "payment_method"}


Route = tuple[str, tuple[str, ...], Callable[..., Json]]
"""A path that is posted to, the parameters it knows, and what it does."""


def public(of: Json) -> Json:
    """Return a copy without what an object keeps to itself."""
    return {name: deepcopy(value) for name, value in of.items() if not name.startswith("_")}


class State:
    """Everything by its id, in the order it was made. ``events`` are those that were not delivered yet."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._clock = now
        self._numbers = itertools.count(1)
        self.objects: dict[str, Json] = {}
        self.events: list[Json] = []
        self.available: dict[str, int] = {}
        """What the platform may move, by currency: what captured charges brought once it is there, see ``settle``."""

    @property
    def now(self) -> int:
        return int(self._clock().timestamp())

    def make(self, kind: str, **values: Any) -> Json:
        """Return a new object of a kind."""
        ref = f"{PREFIXES[kind]}_{next(self._numbers):06d}"
        made = {"id": ref, "object": kind, "created": self.now, "livemode": False, "metadata": {}, **values}
        self.objects[ref] = made
        return made

    def get(self, kind: str, ref: str) -> Json:
        """Return an object as it is, to be changed; raises ``RefusedError`` for one that is not there."""
        found = self.objects.get(ref)
        if found is None or found["object"] != kind:
            raise missing(ref)
        if kind == "payment_intent":
            self._lapse(found)
        return found

    def all_of(self, kind: str) -> Iterator[Json]:
        """Return the objects of a kind, the latest first."""
        for ref in reversed(list(self.objects)):
            if self.objects[ref]["object"] == kind:
                yield self.get(kind, ref)

    def tell(self, kind: str, of: Json) -> None:
        """Add an event that shows an object as it is now."""
        event = self.make("event", api_version=API_VERSION, type=kind, pending_webhooks=1, request=None)
        event["data"] = {"object": public(of)}
        if of["object"] == "account":
            event["account"] = of["id"]
        self.events.append(event)

    def brought(self, charge: Json, amount: int) -> None:
        """Add to what the platform may move, if what the charge brought is there already."""
        if charge["_settled"]:
            self.available[charge["currency"]] = self.available.get(charge["currency"], 0) + amount

    def settle(self) -> None:
        """Let the platform move what was captured until now, as Stripe does after some days."""
        withdrawn: dict[str, int] = {}
        for dispute in self.all_of("dispute"):
            moved = sum(one["amount"] for one in dispute["balance_transactions"])
            withdrawn[dispute["charge"]] = withdrawn.get(dispute["charge"], 0) + moved
        for charge in self.all_of("charge"):
            if charge["captured"] and not charge["_settled"]:
                charge["_settled"] = True
                gone = charge["amount_refunded"] + charge["_transferred"]
                self.brought(charge, charge["amount_captured"] - gone + withdrawn.get(charge["id"], 0))

    def lapse(self) -> None:
        """Let go what was not captured in time, and tell of it, as Stripe does without being asked."""
        for _ in self.all_of("payment_intent"):
            pass

    def _lapse(self, intent: Json) -> None:
        if intent["status"] != "requires_capture":
            return
        charge = self.objects[intent["latest_charge"]]
        if charge["payment_method_details"]["card"]["capture_before"] > self.now:
            return
        intent.update(status="canceled", amount_capturable=0, cancellation_reason="automatic", canceled_at=self.now)
        charge["refunded"] = True
        self.tell("charge.expired", charge)
        self.tell("payment_intent.canceled", intent)

    def shown(self, of: Json, expand: list[str]) -> Json:
        """Return an object as it is shown, with what is to be expanded in it."""
        shown = public(of)
        for path in expand:
            first, _, rest = path.partition(".")
            if first == "data" and shown.get("object") == "list":
                shown["data"] = [self.shown(one, [rest]) for one in shown["data"]]
            elif path not in EXPANDABLE or path not in shown:
                raise RefusedError(f"This property cannot be expanded ({path}).", code="parameter_invalid")
            elif shown[path] is not None:
                shown[path] = public(self.objects[shown[path]])
        return shown
