"""Which facts of the domains organizations are told of by webhook."""
