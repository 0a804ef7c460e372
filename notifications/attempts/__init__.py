"""Every attempt to bring somebody a notice, for the recipient and for those who look after whom it is about."""
