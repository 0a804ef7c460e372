"""The circles somebody belongs to: invitations, the conversation, and who is on call when."""
