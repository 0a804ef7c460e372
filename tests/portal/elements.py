"""What a page consists of."""

import re
from html.parser import HTMLParser


class Elements(HTMLParser):
    """Collects what the page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def phoned(page: str) -> set[str]:
    """Return the numbers that a page has anywhere to be called, also those its scripts may show."""
    return set(re.findall(r"tel:([^\"']+)", page))
