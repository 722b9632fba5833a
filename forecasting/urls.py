from django.urls import path

from forecasting import api

urlpatterns = [path("forecasts", api.FeederForecast.as_view(), name="forecasts")]
