"""Statements, payments, disputes and the review queue."""

from django.contrib import admin

from vpp.accounts.admin import ReadOnlyAdmin
from vpp.accounts.admin_trail import Audited
from vpp.settlement.models import (
    BankAccount,
    Dispute,
    DisputeEvent,
    LedgerPeriod,
    NumberSeries,
    Payment,
    PaymentFile,
    ReviewFinding,
    Statement,
    StatementEvent,
    StatementLine,
    UtilityStatement,
    UtilityStatementLine,
)


@admin.register(LedgerPeriod)
class LedgerPeriodAdmin(ReadOnlyAdmin):
    list_display = ["first_date", "last_date", "closed_at"]
    search_fields = ["first_date"]


@admin.register(Statement)
class StatementAdmin(ReadOnlyAdmin):
    list_display = ["number", "version", "state", "owner", "first_date", "last_date", "total", "difference", "currency"]
    list_filter = ["state"]
    search_fields = ["number", "owner__code"]
    list_select_related = ["owner"]


@admin.register(BankAccount)
class BankAccountAdmin(Audited, admin.ModelAdmin):
    list_display = ["owner", "holder", "bic"]
    search_fields = ["owner__code", "holder"]
    autocomplete_fields = ["owner"]
    show_full_result_count = False


@admin.register(PaymentFile)
class PaymentFileAdmin(ReadOnlyAdmin):
    list_display = ["message_id", "created_at", "execution_date", "count", "total", "currency"]
    search_fields = ["message_id"]


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ["file", "statement", "amount"]
    search_fields = ["file__message_id", "statement__number"]
    list_select_related = ["file", "statement"]


@admin.register(UtilityStatement)
class UtilityStatementAdmin(ReadOnlyAdmin):
    list_display = ["reference", "utility", "form", "received_at", "currency"]
    list_filter = ["form"]
    search_fields = ["reference", "utility__code"]
    list_select_related = ["utility"]


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    list_display = ["pk", "utility", "ask", "state", "opened_at"]
    list_filter = ["state"]
    search_fields = ["ask__reference", "utility__code"]
    list_select_related = ["utility", "ask"]


@admin.register(ReviewFinding)
class ReviewFindingAdmin(ReadOnlyAdmin):
    list_display = ["kind", "owner", "device", "delivery_date", "state", "found_at"]
    list_filter = ["state", "kind"]
    search_fields = ["owner__code", "device__code"]
    list_select_related = ["owner", "device"]


@admin.register(StatementLine)
class StatementLineAdmin(ReadOnlyAdmin):
    list_display = ["statement", "payout", "delivery_date", "award", "gross", "fee", "amount"]
    search_fields = ["statement__number", "award"]
    list_select_related = ["statement", "payout"]


@admin.register(StatementEvent)
class StatementEventAdmin(ReadOnlyAdmin):
    list_display = ["statement", "state", "at", "reason"]
    list_filter = ["state"]
    search_fields = ["statement__number"]
    list_select_related = ["statement"]


@admin.register(NumberSeries)
class NumberSeriesAdmin(ReadOnlyAdmin):
    list_display = ["name", "last"]
    search_fields = ["name"]


@admin.register(UtilityStatementLine)
class UtilityStatementLineAdmin(ReadOnlyAdmin):
    list_display = ["statement", "ask", "delivery_date", "isp", "ordered_kw", "delivered_kw", "net_amount"]
    search_fields = ["statement__reference", "ask__reference"]
    list_select_related = ["statement", "ask"]


@admin.register(DisputeEvent)
class DisputeEventAdmin(ReadOnlyAdmin):
    list_display = ["dispute", "state", "at", "by", "text"]
    list_filter = ["state"]
    search_fields = ["by"]
    list_select_related = ["dispute"]
