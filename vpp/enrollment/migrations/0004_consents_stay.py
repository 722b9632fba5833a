"""A consent is withdrawn once and otherwise stays; TRUNCATE passes neither it nor a change of hands by."""

from django.db import migrations, models

from vpp.lib.triggers import drop_never_truncated, never_truncated

KEPT = ("enrollment_handover", "enrollment_consent")
CONSENTS = """
CREATE FUNCTION enrollment_consent_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.withdrawn_at IS NOT NULL
        OR (NEW.site_id, NEW.given_by, NEW.given_at, NEW.document)
        IS DISTINCT FROM (OLD.site_id, OLD.given_by, OLD.given_at, OLD.document) THEN
        RAISE EXCEPTION 'a consent is withdrawn once, and otherwise stays: % is refused', TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER enrollment_consent_deleted BEFORE DELETE ON enrollment_consent
    FOR EACH ROW EXECUTE FUNCTION enrollment_consent_is_kept();
CREATE TRIGGER enrollment_consent_changed BEFORE UPDATE ON enrollment_consent
    FOR EACH ROW WHEN (NEW.* IS DISTINCT FROM OLD.*) EXECUTE FUNCTION enrollment_consent_is_kept();
"""
NO_CONSENTS = """
DROP TRIGGER enrollment_consent_changed ON enrollment_consent;
DROP TRIGGER enrollment_consent_deleted ON enrollment_consent;
DROP FUNCTION enrollment_consent_is_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_never_truncated"), ("enrollment", "0003_handovers")]

    operations = [
        migrations.AddIndex(
            "consent",
            models.Index(
                condition=models.Q(("withdrawn_at__isnull", False)), fields=["site"], name="consents_withdrawn"
            ),
        ),
        migrations.RunSQL(CONSENTS, NO_CONSENTS),
        migrations.RunSQL(never_truncated(*KEPT), drop_never_truncated(*KEPT)),
    ]
