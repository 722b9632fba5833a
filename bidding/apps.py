from importlib import import_module

from django.apps import AppConfig


class BiddingConfig(AppConfig):
    name = "bidding"
    label = "bidding"

    def ready(self) -> None:
        import_module("bidding.actors")
