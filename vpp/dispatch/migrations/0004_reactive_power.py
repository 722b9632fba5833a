"""Setpoints carry reactive power, inside the device's apparent power (its rating over a displacement factor of 0.9)."""

from django.db import migrations, models

SLACK = "1e-6"  # float noise of sums, in kW and kVA
IN_RATING = """
CREATE OR REPLACE FUNCTION dispatch_setpoint_in_rating() RETURNS trigger LANGUAGE plpgsql
    SET enable_nestloop = off SET enable_mergejoin = off AS $$
DECLARE offender record;
BEGIN
    SELECT p.id AS portfolio_id, c.id AS cycle_id INTO offender
      FROM (SELECT DISTINCT portfolio_id, cycle_id FROM written) used
      LEFT JOIN enrollment_portfolio p ON p.id = used.portfolio_id
      LEFT JOIN dispatch_controlcycle c ON c.id = used.cycle_id
     WHERE p.id IS NULL OR (c.id IS NULL AND used.cycle_id IS NOT NULL);
    IF FOUND AND offender.portfolio_id IS NULL THEN
        RAISE EXCEPTION 'setpoint of an unknown portfolio' USING ERRCODE = 'foreign_key_violation';
    ELSIF FOUND THEN
        RAISE EXCEPTION 'setpoint of an unknown cycle' USING ERRCODE = 'foreign_key_violation';
    END IF;
    SELECT s.device_id, s.target_kw{column}, d.code, d.max_consumption_kw, d.max_production_kw INTO offender
      FROM written s LEFT JOIN enrollment_device d ON d.id = s.device_id
     WHERE (s.target_kw <= d.max_consumption_kw + {slack}
            AND s.target_kw >= -d.max_production_kw - {slack}{condition}) IS NOT TRUE;
    IF FOUND AND offender.code IS NULL THEN
        RAISE EXCEPTION 'setpoint of an unknown device %', offender.device_id USING ERRCODE = 'foreign_key_violation';{told}
    ELSIF FOUND THEN
        RAISE EXCEPTION 'setpoint of % kW is outside the rating of % (-% to % kW)',
            offender.target_kw, offender.code, offender.max_production_kw, offender.max_consumption_kw
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
"""
CONDITION = f"""
            AND (s.target_kvar IS NULL OR s.target_kw * s.target_kw + s.target_kvar * s.target_kvar
                 <= power(greatest(d.max_consumption_kw, d.max_production_kw) / 0.9 + {SLACK}, 2))"""
TOLD = """
    ELSIF FOUND AND offender.target_kvar IS NOT NULL THEN
        RAISE EXCEPTION 'setpoint of % kW and % kvar is outside the rating of % (-% to % kW, and that over 0.9 in kVA)',
            offender.target_kw, offender.target_kvar, offender.code, offender.max_production_kw,
            offender.max_consumption_kw USING ERRCODE = 'check_violation';"""
FIXED = """
DROP TRIGGER dispatch_setpoint_is_fixed ON dispatch_setpoint;
CREATE TRIGGER dispatch_setpoint_is_fixed
    BEFORE UPDATE OF device_id, portfolio_id, interval_start, sequence, target_kw{column}, baseline_kw, released,
        issued_at, expires_at ON dispatch_setpoint
    FOR EACH ROW EXECUTE FUNCTION dispatch_setpoint_is_fixed();
"""
FORWARD = IN_RATING.format(column=", s.target_kvar", condition=CONDITION, told=TOLD, slack=SLACK) + FIXED.format(
    column=", target_kvar"
)
BACKWARD = IN_RATING.format(column="", condition="", told="", slack=SLACK) + FIXED.format(column="")


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0003_priorities")]

    operations = [
        migrations.AddField(
            "setpoint",
            "target_kvar",
            models.FloatField(
                blank=True,
                help_text="reactive power, injection positive; empty: the device's own, whatever released says of kW",
                null=True,
            ),
        ),
        migrations.AddField(
            "setpoint",
            "applied_kvar",
            models.FloatField(blank=True, help_text="what the device answered that it gives", null=True),
        ),
        migrations.AddField(
            "shortfall",
            "shortfall_kvar",
            models.FloatField(default=0.0, help_text="of reactive power, injection positive"),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
