from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "vpp.jobs"
    label = "jobs"
