from django.urls import URLPattern, path

from vpp.enrollment import api

urlpatterns: list[URLPattern] = [
    path("sites", api.SiteList.as_view(), name="sites"),
    path("sites/<str:code>", api.SiteDetail.as_view(), name="site"),
    path("devices", api.DeviceList.as_view(), name="devices"),
    path("devices/<str:code>", api.DeviceDetail.as_view(), name="device"),
    path("portfolios", api.PortfolioList.as_view(), name="portfolios"),
]
