"""The platform every domain stands on, and the entry points."""

import gc

# Loading us builds a million objects that stay: looking through them on the way is a quarter of the start.
gc.set_threshold(20_000, 20, 20)
