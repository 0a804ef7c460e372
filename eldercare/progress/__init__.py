"""How help comes: who has been told of an alarm and what came of it, who is next, and what the reader can do now."""
