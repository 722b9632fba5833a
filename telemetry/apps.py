from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    name = "telemetry"
    label = "telemetry"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from telemetry.metrics import tell
        from vpp.jobs.queries import ROOM_METRICS

        ROOM_METRICS.append(tell)
