"""Routes of the console, at the root."""

from django.contrib.auth import views as auth_views
from django.urls import URLPattern, URLResolver, include, path

from vpp.console import views

pages = [
    path("", views.home, name="home"),
    path("day/", views.day_index, name="days"),
    path("day/<str:code>/<str:delivery_date>/", views.day_view, name="day"),
    path("asks/", views.ask_board, name="asks"),
    path("asks/<path:reference>/", views.ask_page, name="ask"),
    path("payouts/", views.payout_list, name="payouts"),
    path("payouts/<int:payout_id>/", views.payout_trace, name="payout"),
    path("api/v1/docs", views.api_reference, name="api"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("login/", auth_views.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("", include((pages, "console"))),
]
