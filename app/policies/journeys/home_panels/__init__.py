"""The panel in a resident's home: what eldercare knows is shown there, what is pressed there reaches eldercare."""
