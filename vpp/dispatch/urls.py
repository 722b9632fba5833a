from django.urls import URLPattern, path

from vpp.dispatch import api, owner_api, watch_api

urlpatterns: list[URLPattern] = [
    path("dispatch/setpoints", api.Setpoints.as_view(), name="setpoints"),
    path("dispatch/acknowledgements", api.Acknowledgements.as_view(), name="acknowledgements"),
    path("dispatch/devices", api.DeviceStates.as_view(), name="device-states"),
    path("devices/<str:code>/opt-out", owner_api.OptOut.as_view(), name="device-opt-out"),
    path("devices/<str:code>/opt-in", owner_api.OptIn.as_view(), name="device-opt-in"),
    path("devices/<str:code>/wishes", owner_api.OwnerWishes.as_view(), name="device-wishes"),
    path("devices/<str:code>/dispatches", owner_api.DeviceDay.as_view(), name="device-dispatches"),
    path("sites/<str:code>/withdraw-consent", owner_api.ConsentWithdrawal.as_view(), name="withdraw-consent"),
    path("alarms", watch_api.Alarms.as_view(), name="alarms"),
    path("alarms/<int:pk>/acknowledge", watch_api.AcknowledgeAlarm.as_view(), name="acknowledge-alarm"),
    path("deviations", watch_api.Deviations.as_view(), name="deviations"),
    path("dispatches", api.Dispatches.as_view(), name="dispatches"),
]
