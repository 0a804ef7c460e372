"""Safe zones: where a resident is to stay or not to go, and who is called when they leave or are lost."""
