"""The pages on which a person decides what an app may see: plain forms, in any browser, without any script."""
