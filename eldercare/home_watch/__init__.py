"""What a resident's home notices: it calls somebody, and is taken back once the home says that it is over."""
