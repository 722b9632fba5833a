from django.urls import URLPattern, path

from vpp.settlement.api import devices, disputes, reports, results, statements

urlpatterns: list[URLPattern] = [
    path("settlements", results.SettlementList.as_view(), name="settlements"),
    path("payouts", results.PayoutList.as_view(), name="payouts"),
    path("performances", results.PerformanceList.as_view(), name="performances"),
    path("performance-reports", results.PerformanceReportList.as_view(), name="performance-reports"),
    path(
        "performance-reports/<path:reference>", reports.PerformanceReportDocument.as_view(), name="performance-report"
    ),
    path("trace/<int:payout_id>", results.PayoutTrace.as_view(), name="trace"),
    path("devices/<str:code>/earnings", devices.DeviceEarnings.as_view(), name="device-earnings"),
    path("baselines", results.BaselineAnswer.as_view(), name="baselines"),
    path("components", results.ComponentAnswer.as_view(), name="components"),
    path("statements", statements.StatementList.as_view(), name="statements"),
    path("statements/<int:statement_id>", statements.StatementDocument.as_view(), name="statement"),
    path("statements/<int:statement_id>/accept", statements.StatementAccept.as_view(), name="statement-accept"),
    path("statements/<int:statement_id>/dispute", statements.StatementDispute.as_view(), name="statement-dispute"),
    path("utility-statements", disputes.UtilityStatements.as_view(), name="utility-statements"),
    path("disputes", disputes.DisputeList.as_view(), name="disputes"),
    path("disputes/<int:dispute_id>", disputes.DisputeStep.as_view(), name="dispute"),
]
