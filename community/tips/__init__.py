"""Tips: all of it for who came, on a card or told of in cash."""
