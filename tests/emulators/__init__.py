"""Services that are spoken to, stateful and strict, on the loopback address."""
