"""A person takes along what is held about them."""
