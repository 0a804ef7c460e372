"""Where card payments are carried out: a port, and whoever answers behind it."""
