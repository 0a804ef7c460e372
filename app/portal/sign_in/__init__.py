"""The pages on which people sign in and out: plain forms that need no script."""
