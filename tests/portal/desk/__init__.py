"""The duty desk's pages."""
