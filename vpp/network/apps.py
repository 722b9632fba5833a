from django.apps import AppConfig


class NetworkConfig(AppConfig):
    name = "vpp.network"
    label = "network"
