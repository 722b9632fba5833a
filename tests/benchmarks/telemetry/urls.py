"""The service's routes, and the plain view beside them, so that both go through the same middleware."""

from django.urls import path

from tests.benchmarks.telemetry.anchors import view
from vpp.urls import urlpatterns as ours

urlpatterns = [path("plain", view), *ours]
