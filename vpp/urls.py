"""All routes: the console at the root, the admin, the API under /api/v1/ and the probes."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView
from oauth2_provider.views import RevokeTokenView, TokenView

from vpp.accounts import api_schema  # noqa: F401  registers the token scheme

ROOMS = (
    "vpp.enrollment",
    "vpp.network",
    "telemetry",
    "forecasting",
    "bidding",
    "vpp.dispatch",
    "vpp.settlement",
)


def room_routes() -> list[URLPattern | URLResolver]:
    """The API of each room that has one, all under the same prefix."""
    return [path("", include(f"{room}.urls")) for room in ROOMS if find_spec(f"{room}.urls")]


handler404 = "vpp.accounts.api_errors.page_not_found"
handler500 = "vpp.accounts.api_errors.server_error"
urlpatterns = [
    path("admin/login/", RedirectView.as_view(pattern_name="login", query_string=True)),  # one login, one second factor
    path("admin/", admin.site.urls),
    path("api/v1/", include(room_routes())),
    path("api/v1/", include("vpp.jobs.webhook_urls")),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("oauth2/token", TokenView.as_view(), name="oauth2-token"),
    path("oauth2/revoke", RevokeTokenView.as_view(), name="oauth2-revoke"),
    path("shapeshifter/", include("vpp.uftp.urls")),
    path("", include("vpp.jobs.urls")),
    path("", include("vpp.console.urls")),
]
