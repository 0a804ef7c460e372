"""What SMART does: clients are registered and show who they are, people agree, tokens are given and end."""
