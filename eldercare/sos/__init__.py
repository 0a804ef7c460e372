"""SOS: the call for help that is never refused."""
