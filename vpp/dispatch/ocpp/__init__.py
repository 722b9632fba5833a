"""The central system (CSMS) for charging stations over OCPP 1.6 and 2.0.1 (docs/dispatch.md)."""
