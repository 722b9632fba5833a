"""Sites change hands by rows that stay, and by nothing else; a device stays with its owner's site."""

import django.db.models.deletion
from django.db import migrations, models

from vpp.lib.triggers import append_only, drop_append_only

HANDED_OVER = """
CREATE FUNCTION enrollment_handover_moves_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE enrollment_site SET owner_id = NEW.owner_id WHERE id = NEW.site_id AND owner_id = NEW.former_owner_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'site % does not belong to participant %', NEW.site_id, NEW.former_owner_id
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM enrollment_handover WHERE site_id = NEW.site_id AND recorded_at > NEW.recorded_at) THEN
        RAISE EXCEPTION 'what is known of site % was recorded later than %', NEW.site_id, NEW.recorded_at
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER enrollment_handover_moves BEFORE INSERT ON enrollment_handover
    FOR EACH ROW EXECUTE FUNCTION enrollment_handover_moves_owner();

CREATE FUNCTION enrollment_site_keeps_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'site % has an owner: record that it changes hands', OLD.code
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER enrollment_site_owner_kept BEFORE UPDATE OF owner_id ON enrollment_site FOR EACH ROW
    WHEN (OLD.owner_id IS DISTINCT FROM NEW.owner_id) EXECUTE FUNCTION enrollment_site_keeps_owner();

CREATE FUNCTION enrollment_device_keeps_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(DISTINCT owner_id) FROM enrollment_site WHERE id IN (OLD.site_id, NEW.site_id)) > 1 THEN
        RAISE EXCEPTION 'device % would change its owner with its site: enroll it under another code', OLD.code
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER enrollment_device_owner_kept BEFORE UPDATE OF site_id ON enrollment_device FOR EACH ROW
    WHEN (OLD.site_id IS DISTINCT FROM NEW.site_id) EXECUTE FUNCTION enrollment_device_keeps_owner();
"""
NOT_HANDED_OVER = """
DROP TRIGGER enrollment_device_owner_kept ON enrollment_device;
DROP FUNCTION enrollment_device_keeps_owner();
DROP TRIGGER enrollment_site_owner_kept ON enrollment_site;
DROP FUNCTION enrollment_site_keeps_owner();
DROP TRIGGER enrollment_handover_moves ON enrollment_handover;
DROP FUNCTION enrollment_handover_moves_owner();
"""


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0002_limits_of_use")]

    operations = [
        migrations.CreateModel(
            name="Handover",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "since",
                    models.DateTimeField(help_text="UTC; a day is paid to whoever owns the site when it begins"),
                ),
                ("recorded_at", models.DateTimeField()),
                (
                    "former_owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.participant"
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.participant"
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="handovers",
                        to="enrollment.site",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("since__lte", models.F("recorded_at"))), name="handover_has_happened"
                    )
                ],
            },
        ),
        migrations.RunSQL(
            append_only("enrollment_handover", what="changes of hands"), drop_append_only("enrollment_handover")
        ),
        migrations.RunSQL(HANDED_OVER, NOT_HANDED_OVER),
    ]
