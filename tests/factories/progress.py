"""Where a long piece of work reports how far it is, when nobody looks."""


class Silence:
    """Progress nobody looks at."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.done = 0.0

    def begin(self, what: str, total: float) -> None:
        """Note what begins."""
        self.pieces.append(what)
        self.total, self.done = total, 0.0

    def advance(self, by: float) -> None:
        """Note how far it is."""
        self.done += by
