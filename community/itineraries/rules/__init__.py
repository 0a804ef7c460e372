"""Planning days out: pure, from plain data, the same for the same."""
