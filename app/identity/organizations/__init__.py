"""Organizations, who works for them, and what they may see under which agreement."""
