"""The care circle: the people a resident has asked to come when something is wrong."""
