"""Readings over MQTT: topics, messages put together to batches, and the session with the broker."""
