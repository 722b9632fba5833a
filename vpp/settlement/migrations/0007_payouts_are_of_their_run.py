"""The payouts of a run are together no more than what it says it pays, so that none is slipped in beside them."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION settlement_payout_fits_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE told text;
BEGIN
    SELECT run.id || ' pays ' || run.payouts INTO told FROM settlement_settlementrun AS run
     WHERE run.id IN (SELECT run_id FROM added)
       AND run.payouts < (SELECT sum(total) FROM settlement_payout AS payout WHERE payout.run_id = run.id) LIMIT 1;
    IF told IS NOT NULL THEN
        RAISE EXCEPTION 'run %, no payout can be added', told USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER settlement_payout_fits AFTER INSERT ON settlement_payout
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION settlement_payout_fits_run();
"""
BACKWARD = "DROP TRIGGER settlement_payout_fits ON settlement_payout; DROP FUNCTION settlement_payout_fits_run();"


class Migration(migrations.Migration):
    dependencies = [("settlement", "0006_settled_data_stays")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
