"""The notices of identity itself: sign-in codes and invitations."""
