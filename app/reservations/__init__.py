"""The booking kernel: the only code that hands out time of people, rooms and things, so that none is given twice."""
