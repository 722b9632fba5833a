"""Under /shapeshifter/."""

from django.urls import URLPattern, path

from vpp.uftp import views

urlpatterns: list[URLPattern] = [path("api/v3/message", views.message, name="uftp-message")]
