"""Readings after a consent was withdrawn are refused: what the ways in remember is forgotten with each consent, and a
sender that goes on raises an alarm."""

from django.db import migrations, models

FORGOTTEN = """
CREATE TRIGGER telemetry_consent_changed AFTER INSERT OR UPDATE OR DELETE ON enrollment_consent
    FOR EACH STATEMENT EXECUTE FUNCTION telemetry_fleet_changed();
"""
NOT_FORGOTTEN = "DROP TRIGGER telemetry_consent_changed ON enrollment_consent;"


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0004_consents_stay"), ("telemetry", "0003_kept_as_written")]

    operations = [
        migrations.AddField(
            "sender",
            "unagreed_at",
            models.DateTimeField(help_text="when it last sent a reading after consent was withdrawn", null=True),
        ),
        migrations.AlterField(
            "alarm",
            "kind",
            models.CharField(
                choices=[
                    ("DEVICE_SILENT", "device silent"),
                    ("SITE_SILENT", "site silent"),
                    ("GATEWAY_SILENT", "gateway silent"),
                    ("CLOCK_SKEW", "clock skew"),
                    ("QUALITY", "quality below threshold"),
                    ("NO_CONSENT", "readings after consent was withdrawn"),
                ],
                max_length=16,
            ),
        ),
        migrations.RunSQL(FORGOTTEN, NOT_FORGOTTEN),
    ]
