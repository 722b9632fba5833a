from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from vpp.accounts.admin import ReadOnlyAdmin
from vpp.jobs import operations
from vpp.jobs.models import IdempotencyKey, Job, ScheduleSlot, Webhook, WebhookDelivery


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ["natural_key", "kind", "queue", "state", "attempts", "run_after", "finished_at", "error"]
    list_filter = ["state", "queue", "kind"]
    search_fields = ["natural_key", "error"]
    actions = ["retry"]

    @admin.action(description="Try again")
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        for job in queryset:
            operations.retry(job=job)


@admin.register(ScheduleSlot)
class ScheduleSlotAdmin(ReadOnlyAdmin):
    list_display = ["schedule", "due_at", "job"]
    list_filter = ["schedule"]
    list_select_related = ["job"]


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ["key", "client", "user", "status", "created_at"]
    search_fields = ["key"]
    list_select_related = ["client__participant", "user"]


@admin.register(Webhook)
class WebhookAdmin(ReadOnlyAdmin):
    list_display = ["participant", "url", "events", "active", "created_at"]
    list_filter = ["active"]
    list_select_related = ["participant"]


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "event", "webhook", "state", "attempts", "answer"]
    list_filter = ["state", "event"]
    search_fields = ["delivery_id"]
