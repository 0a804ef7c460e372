"""Commands to a home: given by who may, sent at once or not at all, believed only when the home says so."""
