"""Inverters and batteries over SunSpec Modbus TCP (docs/dispatch.md)."""
