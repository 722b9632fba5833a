"""/api/v1/webhooks: where a participant wants to be told of events."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from vpp.accounts.pages import Pages
from vpp.accounts.principals import principal_of
from vpp.accounts.requests import checked
from vpp.jobs import webhooks
from vpp.jobs.models import Webhook, WebhookDelivery
from vpp.lib import clock


class WebhookInput(serializers.Serializer[Any]):
    url = serializers.URLField(max_length=400)
    events = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, default=list, max_length=40
    )

    def validate_events(self, events: list[str]) -> list[str]:
        if unknown := sorted(set(events) - webhooks.EVENTS):
            known = ", ".join(sorted(webhooks.EVENTS))
            raise serializers.ValidationError(f"{unknown[0]!r} is no event; known are {known}")
        return events


class WebhookSerializer(serializers.ModelSerializer):
    """`secret` is shown in the answer to POST only."""

    class Meta:
        model = Webhook
        fields = ["id", "url", "events", "active", "created_at"]


class WebhookWithSecret(WebhookSerializer):
    secret = serializers.SerializerMethodField()

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]

    def get_secret(self, webhook: Webhook) -> str:
        return webhooks.secret_of(webhook)


class DeliverySerializer(serializers.ModelSerializer):
    class Meta:
        model = WebhookDelivery
        fields = ["delivery_id", "event", "body", "state", "attempts", "answer", "created_at", "delivered_at"]


class WebhookCollection(ListAPIView):
    """GET: your webhooks. POST: be told of events at an address; the answer holds the secret that signs them."""

    serializer_class = WebhookSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Webhook]:
        return Webhook.objects.visible_to(principal_of(self.request)).filter(active=True).order_by("pk")

    @extend_schema(request=WebhookInput, responses={201: WebhookWithSecret})
    def post(self, request: Request) -> Response:
        wanted = checked(WebhookInput, request.data)
        participant = principal_of(request).participant
        if participant is None:
            raise webhooks.BadWebhook("only a participant has webhooks")
        webhook = webhooks.subscribe(participant=participant, **wanted, at=clock.now(), actor=request.user)
        return Response(WebhookWithSecret(webhook).data, status=status.HTTP_201_CREATED)


class WebhookDetail(APIView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, webhook_id: int) -> Response:
        """Not told any more; what waits already is still delivered."""
        Webhook.objects.filter(pk=_own(request, webhook_id).pk).update(active=False)
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookSecret(APIView):
    @extend_schema(request=None, responses=WebhookWithSecret)
    def post(self, request: Request, webhook_id: int) -> Response:
        """A new secret; the old one signs nothing from now on."""
        webhook = webhooks.change_secret(_own(request, webhook_id), at=clock.now(), actor=request.user)
        return Response(WebhookWithSecret(webhook).data)


class WebhookDeliveries(ListAPIView):
    """What was or will be delivered, newest first."""

    serializer_class = DeliverySerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[WebhookDelivery]:
        webhook = _own(self.request, self.kwargs["webhook_id"])
        return WebhookDelivery.objects.filter(webhook=webhook).order_by("-pk")


def _own(request: Request, webhook_id: int) -> Webhook:
    return get_object_or_404(Webhook.objects.visible_to(principal_of(request)), pk=webhook_id)
