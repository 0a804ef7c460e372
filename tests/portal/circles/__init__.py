"""The circles' pages."""
