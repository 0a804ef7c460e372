"""The notices of identity itself: sign-in codes, invitations, and what others changed for somebody."""
