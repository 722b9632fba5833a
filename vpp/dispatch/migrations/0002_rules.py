"""Rules of setpoints that hold for bulk SQL too: inside the device's rating, unchanged once written, legal steps only.

They are checked a statement at a time: that their device, portfolio and cycle exist, and the device's rating. Row by
row the three foreign keys cost twice what the COPY itself does. Their other half, that nothing a setpoint refers to is
deleted, is a trigger on each of the three tables. Whether a step of the life is legal is asked before the trigger's
function is called, which then only refuses.

One index grows row by row, that of the natural key (interval, device, sequence); ids rise with the rows' places in the
table, so an index of page ranges finds them.
"""

from django.db import migrations

RATING_SLACK_KW = "1e-6"  # float noise of sums, far below what a device can tell apart

FORWARD = f"""
ALTER TABLE dispatch_setpoint DROP CONSTRAINT dispatch_setpoint_pkey;

CREATE FUNCTION dispatch_setpoint_in_rating() RETURNS trigger LANGUAGE plpgsql
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
CREATE TRIGGER dispatch_setpoint_in_rating AFTER INSERT ON dispatch_setpoint
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION dispatch_setpoint_in_rating();

CREATE FUNCTION dispatch_setpoint_step() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE FUNCTION dispatch_setpoint_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'setpoint %: what was asked of a device never changes; write a newer setpoint', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER dispatch_setpoint_is_fixed
    BEFORE UPDATE OF device_id, portfolio_id, interval_start, sequence, target_kw, baseline_kw, released, issued_at,
        expires_at ON dispatch_setpoint
    FOR EACH ROW EXECUTE FUNCTION dispatch_setpoint_is_fixed();

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

BACKWARD = """
ALTER SEQUENCE dispatch_setpoint_id_seq CACHE 1;
ALTER TABLE dispatch_setpoint RESET (fillfactor);
DROP TRIGGER dispatch_setpoint_keeps_cycle ON dispatch_controlcycle;
DROP TRIGGER dispatch_setpoint_keeps_portfolio ON enrollment_portfolio;
DROP TRIGGER dispatch_setpoint_keeps_device ON enrollment_device;
DROP FUNCTION dispatch_setpoint_keeps();
DROP TRIGGER dispatch_setpoint_is_fixed ON dispatch_setpoint;
DROP FUNCTION dispatch_setpoint_is_fixed();
DROP TRIGGER dispatch_setpoint_step ON dispatch_setpoint;
DROP FUNCTION dispatch_setpoint_step();
DROP TRIGGER dispatch_setpoint_in_rating ON dispatch_setpoint;
DROP FUNCTION dispatch_setpoint_in_rating();
ALTER TABLE dispatch_setpoint ADD CONSTRAINT dispatch_setpoint_pkey PRIMARY KEY (id);
"""


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0001_initial"), ("enrollment", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
