"""What can be done with check-ins: plan, pause, ask, answer."""
