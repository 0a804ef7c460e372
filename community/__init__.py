"""The community around the home: services that come to it."""
