from django.urls import URLPattern, path

from vpp.jobs import views

urlpatterns: list[URLPattern] = [
    path("health/live", views.live, name="health-live"),
    path("health/ready", views.ready, name="health-ready"),
    path("metrics", views.metrics, name="metrics"),
]
