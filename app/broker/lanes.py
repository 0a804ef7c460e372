"""What waits to be stored, and what is in hand: a lane of its own for what must wait for nobody."""

from collections import Counter, deque
from collections.abc import Iterable

from app.broker.messages import Message
from app.broker.rules import announces, home_of
from app.broker.wire import Wire


class Held:
    """A message with what acknowledges it: its id on a wire of a session, both of which may change."""

    __slots__ = ("is_stored", "message", "packet_id", "session", "since", "wire")

    def __init__(self, message: Message, packet_id: int, session: str, wire: Wire | None, since: float) -> None:
        self.message = message
        self.packet_id = packet_id
        self.session = session
        self.wire = wire
        self.since = since
        self.is_stored = False


class Lane:
    """Messages in the order they came: those that wait, and how many are not stored yet of each topic."""

    def __init__(self) -> None:
        self.waiting: deque[Held] = deque()
        self.size = 0
        """Bytes of the payloads that wait."""
        self.in_hand: set[Held] = set()
        self.homes_in_hand: Counter[str] = Counter()
        self._topics: Counter[str] = Counter()

    def add(self, held: Held) -> None:
        """Let a message wait."""
        self.waiting.append(held)
        self.size += len(held.message.payload)
        self._count(held)

    def holds(self, topic: str) -> bool:
        """Say whether something said at a topic is not stored yet."""
        return topic in self._topics

    def stands_before(self, topic: str) -> bool:
        """Say whether something is not stored yet without which what is said at a topic would be misunderstood.

        That is what was said there before, and what its home described meanwhile.
        """
        return topic in self._topics or home_of(topic) in self._topics

    def keep(self, held: Iterable[Held]) -> None:
        """Let nothing else wait than ``held``."""
        self.waiting = deque(held)
        self.size = sum(len(one.message.payload) for one in self.waiting)
        self._topics.clear()
        for one in (*self.in_hand, *self.waiting):
            self._count(one)

    def take(self, most: int, largest: int) -> list[Held]:
        """Take in hand what came first: ``most`` messages, and no more once there are ``largest`` bytes of payloads."""
        batch: list[Held] = []
        size = 0
        while self.waiting and len(batch) < most and size < largest:
            batch.append(self.waiting.popleft())
            size += len(batch[-1].message.payload)
        self._take(batch, size)
        return batch

    def take_of_others(self, most: int, largest: int) -> list[Held]:
        """Do the same, but leave out homes of which something is in hand: what each says stays in its order."""
        batch: list[Held] = []
        left: list[Held] = []
        size = 0
        while self.waiting and len(batch) < most and size < largest:
            held = self.waiting.popleft()
            if home_of(held.message.topic) in self.homes_in_hand:
                left.append(held)
                continue
            batch.append(held)
            size += len(held.message.payload)
        self.waiting.extendleft(reversed(left))
        self._take(batch, size)
        self.homes_in_hand.update(home_of(held.message.topic) for held in batch)
        return batch

    def put_down(self, batch: Iterable[Held]) -> None:
        """Let go of what is in hand: it is stored, or it never will be."""
        for held in batch:
            self.in_hand.discard(held)
            topic = held.message.topic
            _lessen(self._topics, topic)
            if announces(topic):
                _lessen(self._topics, home_of(topic))
            if self.homes_in_hand:
                _lessen(self.homes_in_hand, home_of(topic))

    def _take(self, batch: list[Held], size: int) -> None:
        self.size -= size
        self.in_hand.update(batch)

    def _count(self, held: Held) -> None:
        topic = held.message.topic
        self._topics[topic] += 1
        if announces(topic):
            self._topics[home_of(topic)] += 1


def _lessen(counts: Counter[str], name: str) -> None:
    left = counts[name] - 1
    if left > 0:
        counts[name] = left
    else:
        del counts[name]
