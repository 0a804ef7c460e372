"""The resident's own first pages: I am fine, I need help, today's medicine, the next visit."""
