"""Setpoints over MQTT: the messages, the session with the broker, and the turn that carries them (docs/dispatch.md)."""
