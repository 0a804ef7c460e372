"""Planning, booking and following days out."""
