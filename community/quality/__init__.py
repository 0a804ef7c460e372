"""How well a provider does its work, month by month."""
