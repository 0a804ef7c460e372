"""The SQL that writes devices and entities: what was described, and what they say of themselves."""
