"""The MQTT broker that homes speak to: one connection per process, nothing acknowledged before it is stored."""
