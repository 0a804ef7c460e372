"""Subsidies: who pays a part of a resident's services, for whom, how much, and from which budget."""
