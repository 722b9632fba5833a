from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    name = "telemetry"
    label = "telemetry"
    default_auto_field = "django.db.models.BigAutoField"
