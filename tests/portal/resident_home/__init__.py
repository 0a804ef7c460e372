"""The resident's own first pages."""
