from django.apps import AppConfig


class SimulationConfig(AppConfig):
    name = "vpp.simulation"
    label = "simulation"
