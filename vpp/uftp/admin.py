from django.contrib import admin

from vpp.accounts.admin import ReadOnlyAdmin
from vpp.uftp.models import Counterparty, CounterpartyKey, InMessage, Offer, Order, OutMessage, Prognosis


@admin.register(Counterparty)
class CounterpartyAdmin(ReadOnlyAdmin):
    list_display = ["domain", "role", "participant", "endpoint", "version", "barred"]
    search_fields = ["domain"]
    exclude = ["oauth_secret_sealed"]


@admin.register(CounterpartyKey)
class CounterpartyKeyAdmin(ReadOnlyAdmin):
    list_display = ["counterparty", "public_key", "valid_from", "valid_until"]


@admin.register(InMessage)
class InMessageAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "kind", "counterparty", "state", "reason", "message_id"]
    list_filter = ["kind", "state"]
    search_fields = ["message_id", "conversation_id"]


@admin.register(OutMessage)
class OutMessageAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "kind", "counterparty", "state", "attempts", "result", "error", "message_id"]
    list_filter = ["kind", "state", "result"]
    search_fields = ["message_id", "conversation_id"]


@admin.register(Offer)
class OfferAdmin(ReadOnlyAdmin):
    list_display = ["message", "bid", "unsolicited", "state"]
    list_filter = ["state"]


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ["order_reference", "counterparty", "award", "price"]
    search_fields = ["order_reference"]


@admin.register(Prognosis)
class PrognosisAdmin(ReadOnlyAdmin):
    list_display = ["congestion_point", "delivery_date", "revision", "message"]
