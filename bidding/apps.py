from django.apps import AppConfig


class BiddingConfig(AppConfig):
    name = "bidding"
    label = "bidding"

    def ready(self) -> None:
        from bidding.wholesale.queries import zone_prices
        from forecasting.price_source import name_price_source

        name_price_source(zone_prices)

        from bidding.distribution import notices
        from vpp.jobs import webhooks

        webhooks.EVENTS.update(notices.EVENTS)
