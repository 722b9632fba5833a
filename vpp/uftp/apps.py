from django.apps import AppConfig


class UftpConfig(AppConfig):
    name = "vpp.uftp"
    label = "uftp"

    def ready(self) -> None:
        from bidding.distribution.notices import LISTENERS
        from vpp.uftp.outward import on_notice

        LISTENERS.append(on_notice)
