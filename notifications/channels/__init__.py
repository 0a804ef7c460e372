"""The ways a notice leaves the house, each behind one Protocol."""
