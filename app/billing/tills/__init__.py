"""Tills: what is sold over a counter to whoever stands there, paid at once and owed by nobody."""
