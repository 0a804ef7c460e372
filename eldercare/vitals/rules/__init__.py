"""Pure decisions about vital signs."""
