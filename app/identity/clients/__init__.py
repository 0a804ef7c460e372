"""API clients of organizations: machines that act within the scopes of their keys."""
