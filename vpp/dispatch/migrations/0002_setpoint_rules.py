"""Rules of setpoints that hold for bulk SQL too: inside the device's rating, unchanged once written, legal steps only."""

from django.db import migrations

RATING_SLACK_KW = "1e-6"  # float noise of sums, far below what a device can tell apart

FORWARD = f"""
CREATE FUNCTION dispatch_setpoint_in_rating() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE offender record;
BEGIN
    SELECT d.code, s.target_kw, d.max_consumption_kw, d.max_production_kw INTO offender
      FROM written s JOIN enrollment_device d ON d.id = s.device_id
     WHERE NOT (s.target_kw <= d.max_consumption_kw + {RATING_SLACK_KW}
                AND s.target_kw >= -d.max_production_kw - {RATING_SLACK_KW})
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'setpoint of % kW is outside the rating of % (-% to % kW)',
            offender.target_kw, offender.code, offender.max_production_kw, offender.max_consumption_kw
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER dispatch_setpoint_in_rating AFTER INSERT ON dispatch_setpoint
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION dispatch_setpoint_in_rating();

CREATE FUNCTION dispatch_setpoint_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (OLD.state, NEW.state) IN (
        ('PLANNED', 'SENT'), ('PLANNED', 'EXPIRED'), ('PLANNED', 'SUPERSEDED'),
        ('SENT', 'ACKNOWLEDGED'), ('SENT', 'REFUSED'), ('SENT', 'FOLLOWED'), ('SENT', 'MISSED'), ('SENT', 'EXPIRED'),
        ('SENT', 'SUPERSEDED'),
        ('ACKNOWLEDGED', 'FOLLOWED'), ('ACKNOWLEDGED', 'MISSED'), ('ACKNOWLEDGED', 'SUPERSEDED'),
        ('FOLLOWED', 'MISSED')
    ) THEN
        RAISE EXCEPTION 'setpoint % cannot go from % to %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER dispatch_setpoint_step BEFORE UPDATE OF state ON dispatch_setpoint
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION dispatch_setpoint_step();

CREATE FUNCTION dispatch_setpoint_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'setpoint %: what was asked of a device never changes; write a newer setpoint', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER dispatch_setpoint_is_fixed
    BEFORE UPDATE OF device_id, portfolio_id, interval_start, sequence, target_kw, baseline_kw, released, issued_at,
        expires_at ON dispatch_setpoint
    FOR EACH ROW EXECUTE FUNCTION dispatch_setpoint_is_fixed();
"""

BACKWARD = """
DROP TRIGGER dispatch_setpoint_is_fixed ON dispatch_setpoint;
DROP FUNCTION dispatch_setpoint_is_fixed();
DROP TRIGGER dispatch_setpoint_step ON dispatch_setpoint;
DROP FUNCTION dispatch_setpoint_step();
DROP TRIGGER dispatch_setpoint_in_rating ON dispatch_setpoint;
DROP FUNCTION dispatch_setpoint_in_rating();
"""


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0001_initial"), ("enrollment", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
