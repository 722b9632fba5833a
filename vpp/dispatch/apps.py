from django.apps import AppConfig


class DispatchConfig(AppConfig):
    name = "vpp.dispatch"
    label = "dispatch"

    def ready(self) -> None:
        from bidding.season_events import name_event_source
        from vpp.dispatch.device_use import events_of_season

        name_event_source(events_of_season)

        from vpp.dispatch.operations import notices
        from vpp.jobs import webhooks

        webhooks.EVENTS.update((notices.RAISED, notices.ACKNOWLEDGED))
