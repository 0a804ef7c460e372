"""Pure decisions about what is issued: taxes, numbers, and what stands on paper."""
