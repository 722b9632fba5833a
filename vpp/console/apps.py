from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "vpp.console"
    label = "console"
