"""A finding holds somebody's money: it is decided once, with its reason, and otherwise stays."""

from django.db import migrations

from vpp.lib.triggers import drop_never_truncated, never_truncated

FORWARD = """
CREATE FUNCTION settlement_finding_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'OPEN' OR (to_jsonb(NEW) - 'state' - 'decided_at' - 'decision')
        <> (to_jsonb(OLD) - 'state' - 'decided_at' - 'decision') THEN
        RAISE EXCEPTION 'a finding is decided once, and otherwise stays: % is refused', TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER settlement_finding_deleted BEFORE DELETE ON settlement_reviewfinding
    FOR EACH ROW EXECUTE FUNCTION settlement_finding_is_kept();
CREATE TRIGGER settlement_finding_changed BEFORE UPDATE ON settlement_reviewfinding
    FOR EACH ROW WHEN (NEW.* IS DISTINCT FROM OLD.*) EXECUTE FUNCTION settlement_finding_is_kept();
"""
BACKWARD = """
DROP TRIGGER settlement_finding_changed ON settlement_reviewfinding;
DROP TRIGGER settlement_finding_deleted ON settlement_reviewfinding;
DROP FUNCTION settlement_finding_is_kept();
"""
KEPT = "settlement_reviewfinding"


class Migration(migrations.Migration):
    dependencies = [("settlement", "0007_payouts_are_of_their_run")]

    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.RunSQL(never_truncated(KEPT), drop_never_truncated(KEPT)),
    ]
