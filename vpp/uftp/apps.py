import logging

from django.apps import AppConfig


class UftpConfig(AppConfig):
    name = "vpp.uftp"
    label = "uftp"

    def ready(self) -> None:
        # The reference library prints every message in colours; ours are rows, and its import sets its level anew.
        logging.getLogger("shapeshifter-uftp").addFilter(lambda record: False)

        from bidding.distribution.notices import LISTENERS
        from vpp.uftp.outward import on_notice

        LISTENERS.append(on_notice)
