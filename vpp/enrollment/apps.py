from django.apps import AppConfig


class EnrollmentConfig(AppConfig):
    name = "vpp.enrollment"
    label = "enrollment"
