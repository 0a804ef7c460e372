"""The SQL that writes states, readings and what they add up to."""
