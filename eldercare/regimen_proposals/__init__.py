"""Proposals of regimens: what was prescribed, beside the times that somebody has to confirm before it is taken so."""
