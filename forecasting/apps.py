from django.apps import AppConfig


class ForecastingConfig(AppConfig):
    name = "forecasting"
    label = "forecasting"

    def ready(self) -> None:
        from forecasting.metrics import tell
        from vpp.jobs.queries import ROOM_METRICS

        ROOM_METRICS.append(tell)
