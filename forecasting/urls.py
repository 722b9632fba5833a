from django.urls import path

from forecasting import api

urlpatterns = [
    path("forecasts", api.FeederForecast.as_view(), name="forecasts"),
    path("weather-forecasts", api.WeatherForecasts.as_view(), name="weather-forecasts"),
]
