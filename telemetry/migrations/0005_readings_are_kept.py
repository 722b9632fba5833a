"""Readings are what every payout stands on: rows of open days are not deleted (a packed day leaves its partition whole),
and what is taken out of a closed day to be packed anew is back, with no fewer readings, when the transaction ends."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION telemetry_reading_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'readings are kept: DELETE is refused' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER telemetry_reading_kept BEFORE DELETE ON telemetry_reading
    FOR EACH ROW EXECUTE FUNCTION telemetry_reading_is_kept();

CREATE FUNCTION telemetry_readingday_is_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM telemetry_readingday
                   WHERE day = OLD.day AND device_id = OLD.device_id AND count >= OLD.count) THEN
        RAISE EXCEPTION 'readings of device % on % are kept: DELETE is refused', OLD.device_id, OLD.day
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER telemetry_readingday_kept AFTER DELETE ON telemetry_readingday
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION telemetry_readingday_is_back();
"""
BACKWARD = """
DROP TRIGGER telemetry_readingday_kept ON telemetry_readingday;
DROP FUNCTION telemetry_readingday_is_back();
DROP TRIGGER telemetry_reading_kept ON telemetry_reading;
DROP FUNCTION telemetry_reading_is_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0004_consent")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
