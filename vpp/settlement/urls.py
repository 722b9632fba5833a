from django.urls import URLPattern, path

from vpp.settlement import api

urlpatterns: list[URLPattern] = [
    path("settlements", api.SettlementList.as_view(), name="settlements"),
    path("payouts", api.PayoutList.as_view(), name="payouts"),
    path("performances", api.PerformanceList.as_view(), name="performances"),
    path("performance-reports", api.PerformanceReportList.as_view(), name="performance-reports"),
    path("trace/<int:payout_id>", api.PayoutTrace.as_view(), name="trace"),
    path("baselines", api.BaselineAnswer.as_view(), name="baselines"),
]
