"""What messages became in the market: asks, bids, awards, prognoses."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from vpp.uftp.models.messages import InMessage, OutMessage
from vpp.uftp.models.parties import Counterparty


class RequestLink(models.Model):
    """Which ask a FlexRequest became; one that wants both directions became two."""

    message = models.ForeignKey(InMessage, on_delete=models.PROTECT, related_name="request_links")
    ask = models.OneToOneField("bidding.Ask", on_delete=models.PROTECT, related_name="uftp_request")
    least_kw = ArrayField(models.FloatField(), help_text="per interval the least that the deviation must be")

    def __str__(self) -> str:
        return f"{self.message_id} {self.ask_id}"


class Offer(models.Model):
    """The FlexOffer that carries a bid."""

    class State(models.TextChoices):
        SENT = "SENT", "not answered yet"
        ACCEPTED = "ACCEPTED", "accepted, which is no order"
        REJECTED = "REJECTED", "rejected"
        REVOKED = "REVOKED", "revoked by us"

    message = models.OneToOneField(OutMessage, on_delete=models.PROTECT, related_name="offer")
    bid = models.OneToOneField("bidding.Bid", on_delete=models.PROTECT, related_name="uftp_offer")
    unsolicited = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State, default=State.SENT)

    def __str__(self) -> str:
        return f"{self.message_id} {self.state}"


class Order(models.Model):
    """The FlexOrder that became an award; its reference is the operator's own and comes back in the settlement."""

    message = models.OneToOneField(InMessage, on_delete=models.PROTECT, related_name="order")
    counterparty = models.ForeignKey(Counterparty, on_delete=models.PROTECT, related_name="orders")
    order_reference = models.CharField(max_length=200)
    award = models.OneToOneField("bidding.Award", on_delete=models.PROTECT, related_name="uftp_order")
    price = models.DecimalField(max_digits=14, decimal_places=4)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["counterparty", "order_reference"], name="uftp_order_once"),
        ]

    def __str__(self) -> str:
        return self.order_reference


class Prognosis(models.Model):
    """A D-Prognosis we sent for a congestion point and day; revisions go up."""

    message = models.OneToOneField(OutMessage, on_delete=models.PROTECT, related_name="prognosis")
    congestion_point = models.ForeignKey("network.CongestionPoint", on_delete=models.PROTECT, related_name="+")
    delivery_date = models.DateField()
    revision = models.PositiveIntegerField()
    order_statuses = models.JSONField(default=dict, help_text="order message id: whether they found it in ours")

    class Meta:
        verbose_name_plural = "prognoses"
        constraints = [
            models.UniqueConstraint(fields=["congestion_point", "delivery_date", "revision"], name="prognosis_once"),
        ]

    def __str__(self) -> str:
        return f"{self.congestion_point_id} {self.delivery_date} r{self.revision}"
