"""Care at home: what was agreed, who comes when, that they came, and what they did and left to be known."""
