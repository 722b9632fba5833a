"""A hundred thousand setpoints in one statement: one index instead of three, and checks that cost a fraction of it.

Ids are drawn from a sequence and rise with the rows' places in the table, so an index of page ranges finds them; the
natural key (interval, device, sequence) stays unique. Whether a step of the life is legal is asked before the trigger's
function is called, which then only refuses.
"""

import django.contrib.postgres.indexes
from django.db import migrations

RATING_SLACK_KW = "1e-6"  # float noise of sums, far below what a device can tell apart

FORWARD = f"""
ALTER TABLE dispatch_setpoint DROP CONSTRAINT dispatch_setpoint_pkey;

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

DROP TRIGGER dispatch_setpoint_step ON dispatch_setpoint;
CREATE OR REPLACE FUNCTION dispatch_setpoint_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'setpoint % cannot go from % to %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER dispatch_setpoint_step BEFORE UPDATE OF state ON dispatch_setpoint FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT CASE OLD.state
        WHEN 'PLANNED' THEN NEW.state IN ('SENT', 'EXPIRED', 'SUPERSEDED')
        WHEN 'SENT' THEN NEW.state IN ('ACKNOWLEDGED', 'REFUSED', 'FOLLOWED', 'MISSED', 'EXPIRED', 'SUPERSEDED')
        WHEN 'ACKNOWLEDGED' THEN NEW.state IN ('FOLLOWED', 'MISSED', 'SUPERSEDED')
        WHEN 'FOLLOWED' THEN NEW.state = 'MISSED'
        ELSE false END)
    EXECUTE FUNCTION dispatch_setpoint_step();
"""

BACKWARD = """
DROP TRIGGER dispatch_setpoint_step ON dispatch_setpoint;
CREATE OR REPLACE FUNCTION dispatch_setpoint_step() RETURNS trigger LANGUAGE plpgsql AS $$
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
ALTER TABLE dispatch_setpoint ADD CONSTRAINT dispatch_setpoint_pkey PRIMARY KEY (id);
"""


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0002_rules")]

    operations = [
        migrations.RemoveIndex("setpoint", "setpoints_of_an_interval"),
        migrations.AddIndex(
            "setpoint",
            django.contrib.postgres.indexes.BrinIndex(
                fields=["id"], autosummarize=True, pages_per_range=64, name="setpoint_by_id"
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
