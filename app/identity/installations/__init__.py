"""The phones an account uses: where a push goes, and the credential with which a phone can always raise an alarm."""
