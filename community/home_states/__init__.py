"""States of what is in a home: how each thing stands, what it said before, hours and days of it, and charts."""
