"""Setpoints are checked a statement at a time: that their device, portfolio and cycle exist, and the device's rating.

Row by row the three foreign keys cost twice what the COPY itself does. Their other half, that nothing a setpoint
refers to is deleted, is a trigger on each of the three tables.
"""

import django.db.models.deletion
from django.db import migrations, models

RATING_SLACK_KW = "1e-6"  # float noise of sums, far below what a device can tell apart

FORWARD = f"""
CREATE OR REPLACE FUNCTION dispatch_setpoint_in_rating() RETURNS trigger LANGUAGE plpgsql
    SET enable_nestloop = off SET enable_mergejoin = off AS $$
DECLARE offender record;
BEGIN
    PERFORM FROM (SELECT DISTINCT portfolio_id FROM written) used
      LEFT JOIN enrollment_portfolio p ON p.id = used.portfolio_id WHERE p.id IS NULL;
    IF FOUND THEN RAISE EXCEPTION 'setpoint of an unknown portfolio' USING ERRCODE = 'foreign_key_violation'; END IF;
    PERFORM FROM (SELECT DISTINCT cycle_id FROM written WHERE cycle_id IS NOT NULL) used
      LEFT JOIN dispatch_controlcycle c ON c.id = used.cycle_id WHERE c.id IS NULL;
    IF FOUND THEN RAISE EXCEPTION 'setpoint of an unknown cycle' USING ERRCODE = 'foreign_key_violation'; END IF;
    SELECT s.device_id, s.target_kw, d.code, d.max_consumption_kw, d.max_production_kw INTO offender
      FROM written s LEFT JOIN enrollment_device d ON d.id = s.device_id
     WHERE (s.target_kw <= d.max_consumption_kw + {RATING_SLACK_KW}
            AND s.target_kw >= -d.max_production_kw - {RATING_SLACK_KW}) IS NOT TRUE;
    IF FOUND AND offender.code IS NULL THEN
        RAISE EXCEPTION 'setpoint of an unknown device %', offender.device_id USING ERRCODE = 'foreign_key_violation';
    ELSIF FOUND THEN
        RAISE EXCEPTION 'setpoint of % kW is outside the rating of % (-% to % kW)',
            offender.target_kw, offender.code, offender.max_production_kw, offender.max_consumption_kw
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION dispatch_setpoint_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE referred boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM dispatch_setpoint s JOIN gone ON s.%I = gone.id)', TG_ARGV[0])
       INTO referred;
    IF referred THEN
        RAISE EXCEPTION 'setpoints refer to these rows of %', TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER dispatch_setpoint_keeps_device AFTER DELETE ON enrollment_device
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION dispatch_setpoint_keeps('device_id');
CREATE TRIGGER dispatch_setpoint_keeps_portfolio AFTER DELETE ON enrollment_portfolio
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION dispatch_setpoint_keeps('portfolio_id');
CREATE TRIGGER dispatch_setpoint_keeps_cycle AFTER DELETE ON dispatch_controlcycle
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION dispatch_setpoint_keeps('cycle_id');

-- each setpoint changes its state two or three times: room for that beside it keeps the indexes out of it
ALTER TABLE dispatch_setpoint SET (fillfactor = 45);
ALTER SEQUENCE dispatch_setpoint_id_seq CACHE 100;
"""

BACKWARD = f"""
ALTER SEQUENCE dispatch_setpoint_id_seq CACHE 1;
ALTER TABLE dispatch_setpoint RESET (fillfactor);
DROP TRIGGER dispatch_setpoint_keeps_cycle ON dispatch_controlcycle;
DROP TRIGGER dispatch_setpoint_keeps_portfolio ON enrollment_portfolio;
DROP TRIGGER dispatch_setpoint_keeps_device ON enrollment_device;
DROP FUNCTION dispatch_setpoint_keeps();
CREATE OR REPLACE FUNCTION dispatch_setpoint_in_rating() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""


def _free_key(model: str, related_name: str) -> models.ForeignKey:
    return models.ForeignKey(
        to=model,
        null=model == "dispatch.controlcycle",
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        db_index=False,
        db_constraint=False,
    )


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0005_alarm"), ("enrollment", "0001_initial")]

    operations = [
        migrations.AlterField("setpoint", "device", _free_key("enrollment.device", "setpoints")),
        migrations.AlterField("setpoint", "portfolio", _free_key("enrollment.portfolio", "+")),
        migrations.AlterField("setpoint", "cycle", _free_key("dispatch.controlcycle", "+")),
        migrations.RemoveConstraint("setpoint", "setpoint_once"),
        migrations.AddConstraint(
            "setpoint",
            models.UniqueConstraint(fields=["interval_start", "device", "sequence"], name="setpoint_once"),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
