"""Cards that residents link, and what each of them lets its holder do: enter freely, pay less, bring a companion."""
