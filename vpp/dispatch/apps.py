from django.apps import AppConfig


class DispatchConfig(AppConfig):
    name = "vpp.dispatch"
    label = "dispatch"
