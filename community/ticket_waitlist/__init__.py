"""Waiting for places of a slot that is sold out: what comes free is offered in order, and held for a while."""
