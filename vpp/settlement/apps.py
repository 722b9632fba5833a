from django.apps import AppConfig


class SettlementConfig(AppConfig):
    name = "vpp.settlement"
    label = "settlement"

    def ready(self) -> None:
        from vpp.settlement import actors  # noqa: F401 - declares the job handlers
