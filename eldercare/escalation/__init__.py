"""Escalation plans: who is told of an alarm, in which order, and how long each has to answer."""
