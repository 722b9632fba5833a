from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.functional import cached_property

from vpp.accounts.admin_trail import Audited
from vpp.accounts.models import ApiClient, AuditEvent, LoginThrottle, Participant, User

admin.site.site_header = admin.site.site_title = "Virtual power plant"
admin.site.index_title = "Administration"


class BoundedPaginator(Paginator):
    """Counts no further than one would leaf; the rest is found by search."""

    most = 10_000

    @cached_property
    def count(self) -> int:
        return self.object_list[: self.most].count()  # type: ignore[attr-defined]


# For every list of every room: a page of the admin must not wait for a count of a table that grows all day.
admin.ModelAdmin.paginator = BoundedPaginator
admin.ModelAdmin.show_full_result_count = False


class ReadOnlyAdmin(admin.ModelAdmin):
    """For rows that only the service writes: look, search, filter; no counting of big tables."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):
    """Rows below their parent that only the service writes."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


@admin.register(Participant)
class ParticipantAdmin(Audited, admin.ModelAdmin):
    list_display = ["code", "name", "kind"]
    list_filter = ["kind"]
    search_fields = ["code", "name"]
    show_full_result_count = False


@admin.register(User)
class UserAdmin(Audited, DjangoUserAdmin):
    list_display = ["username", "role", "participant", "is_active", "last_login"]
    list_filter = ["role", "is_active"]
    fieldsets = [*(DjangoUserAdmin.fieldsets or ()), ("Role", {"fields": ["participant", "role"]})]


@admin.register(ApiClient)
class ApiClientAdmin(Audited, admin.ModelAdmin):
    list_display = ["name", "participant", "prefix", "scopes", "active", "created_at"]
    list_filter = ["active", "participant__kind"]
    search_fields = ["name", "participant__code", "prefix"]
    readonly_fields = ["prefix", "token_hash", "created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # `manage.py create_client` shows the token once


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ["at", "actor", "action", "subject_type", "subject_key", "reason"]
    list_filter = ["action"]
    search_fields = ["actor", "subject_key", "action"]
    date_hierarchy = "at"


@admin.register(LoginThrottle)
class LoginThrottleAdmin(Audited, ReadOnlyAdmin):
    """Deleting a row lets somebody who has mistyped too often try again at once."""

    list_display = ["key", "failures", "last_at", "locked_until"]
    search_fields = ["key"]

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return True
