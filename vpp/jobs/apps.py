from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "vpp.jobs"
    label = "jobs"

    def ready(self) -> None:
        import dramatiq
        from django.conf import settings
        from django.utils.module_loading import autodiscover_modules

        from vpp.jobs.broker import make_broker

        dramatiq.set_broker(make_broker(settings.BROKER_URL))
        autodiscover_modules("actors")
