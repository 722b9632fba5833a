from django.urls import URLPattern, path

from vpp.dispatch import api

urlpatterns: list[URLPattern] = [
    path("dispatch/setpoints", api.Setpoints.as_view(), name="setpoints"),
    path("dispatch/acknowledgements", api.Acknowledgements.as_view(), name="acknowledgements"),
    path("dispatch/devices", api.DeviceStates.as_view(), name="device-states"),
    path("dispatches", api.Dispatches.as_view(), name="dispatches"),
]
