"""Setting up a resident's phone: a code somebody trusted makes, and the phone redeems once."""
