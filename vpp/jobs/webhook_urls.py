"""Under /api/v1/."""

from django.urls import URLPattern, path

from vpp.jobs import webhook_api

urlpatterns: list[URLPattern] = [
    path("webhooks", webhook_api.WebhookCollection.as_view(), name="webhooks"),
    path("webhooks/<int:webhook_id>", webhook_api.WebhookDetail.as_view(), name="webhook"),
    path("webhooks/<int:webhook_id>/secret", webhook_api.WebhookSecret.as_view(), name="webhook-secret"),
    path("webhooks/<int:webhook_id>/deliveries", webhook_api.WebhookDeliveries.as_view(), name="webhook-deliveries"),
]
