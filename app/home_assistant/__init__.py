"""How Home Assistant says over MQTT what a home has, what it notices and what it can do: read and written, pure."""
