from django.urls import URLPattern, path

from vpp.network import api

urlpatterns: list[URLPattern] = [
    path("feeders", api.FeederList.as_view(), name="feeders"),
    path("congestion-points", api.CongestionPointList.as_view(), name="congestion-points"),
    path("congestion-points/<str:code>", api.CongestionPointDetail.as_view(), name="congestion-point"),
]
