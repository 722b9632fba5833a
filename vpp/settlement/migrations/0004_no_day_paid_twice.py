"""Statements stay as they were made and share no day, payments are what is owed, settled contracts keep their terms."""

from django.db import migrations, models

from vpp.lib.triggers import append_only, drop_append_only

APART = """
CREATE FUNCTION settlement_statement_is_apart() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE other text;
BEGIN
    SELECT first_date || ' to ' || last_date INTO other FROM settlement_statement
     WHERE owner_id = NEW.owner_id AND currency = NEW.currency AND id <> NEW.id AND state <> 'RESTATED'
       AND first_date <= NEW.last_date AND last_date >= NEW.first_date
       AND (first_date, last_date) <> (NEW.first_date, NEW.last_date) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the owner has a statement of %, which shares a day with % to %',
            other, NEW.first_date, NEW.last_date USING ERRCODE = 'exclusion_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER settlement_statement_apart BEFORE INSERT ON settlement_statement
    FOR EACH ROW EXECUTE FUNCTION settlement_statement_is_apart();
"""
NOT_APART = """
DROP TRIGGER settlement_statement_apart ON settlement_statement;
DROP FUNCTION settlement_statement_is_apart();
"""
# Statement.STEPS, once more where SQL by hand meets it.
FIXED = """
CREATE FUNCTION settlement_statement_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'statements are kept: DELETE is refused' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (to_jsonb(NEW) - 'state' - 'number') <> (to_jsonb(OLD) - 'state' - 'number')
        OR (OLD.number IS NOT NULL AND NEW.number IS DISTINCT FROM OLD.number) THEN
        RAISE EXCEPTION 'statement % stays as it was made; a correction is its next version', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> OLD.state AND NEW.state <> 'RESTATED' AND (OLD.state, NEW.state) NOT IN
        (('PROVISIONAL', 'FINAL'), ('FINAL', 'ACCEPTED'), ('FINAL', 'DISPUTED'), ('DISPUTED', 'ACCEPTED'),
         ('ACCEPTED', 'PAID')) THEN
        RAISE EXCEPTION 'statement %: % cannot become %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER settlement_statement_fixed BEFORE UPDATE OR DELETE ON settlement_statement
    FOR EACH ROW EXECUTE FUNCTION settlement_statement_is_fixed();
"""
NOT_FIXED = """
DROP TRIGGER settlement_statement_fixed ON settlement_statement;
DROP FUNCTION settlement_statement_is_fixed();
"""
OWED = """
CREATE FUNCTION settlement_payment_is_owed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE owed numeric; stood text;
BEGIN
    SELECT one.state, one.total - coalesce((
        SELECT sum(earlier.amount) FROM settlement_payment AS earlier
          JOIN settlement_statement AS its ON its.id = earlier.statement_id
         WHERE (its.owner_id, its.first_date, its.last_date, its.currency)
               = (one.owner_id, one.first_date, one.last_date, one.currency)), 0)
      INTO stood, owed FROM settlement_statement AS one WHERE one.id = NEW.statement_id;
    IF stood <> 'ACCEPTED' OR NEW.amount <> owed THEN
        RAISE EXCEPTION 'statement % is % and owes %, not %', NEW.statement_id, stood, owed, NEW.amount
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER settlement_payment_owed BEFORE INSERT ON settlement_payment
    FOR EACH ROW EXECUTE FUNCTION settlement_payment_is_owed();
"""
NOT_OWED = """
DROP TRIGGER settlement_payment_owed ON settlement_payment;
DROP FUNCTION settlement_payment_is_owed();
"""
# A run is computed again with the contracts of then: other terms are another contract.
SETTLED_CONTRACT = """
CREATE FUNCTION settlement_contract_is_settled() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE newest date;
BEGIN
    SELECT max(run.delivery_date) INTO newest FROM settlement_payout AS payout
      JOIN settlement_settlementrun AS run ON run.id = payout.run_id WHERE payout.contract_id = OLD.id;
    IF newest IS NOT NULL AND ((to_jsonb(NEW) - 'period') <> (to_jsonb(OLD) - 'period')
        OR lower(NEW.period) IS DISTINCT FROM lower(OLD.period) OR upper(NEW.period) < newest) THEN
        RAISE EXCEPTION 'contract % was settled up to %: end it after that and write another', OLD.code, newest
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER settlement_contract_settled BEFORE UPDATE ON enrollment_contract
    FOR EACH ROW EXECUTE FUNCTION settlement_contract_is_settled();
"""
NOT_SETTLED_CONTRACT = """
DROP TRIGGER settlement_contract_settled ON enrollment_contract;
DROP FUNCTION settlement_contract_is_settled();
"""


class Migration(migrations.Migration):
    dependencies = [("settlement", "0003_shipped_rows"), ("enrollment", "0001_initial")]

    operations = [
        migrations.RemoveConstraint(model_name="payment", name="payment_positive"),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount", 0), _negated=True), name="payment_of_something"
            ),
        ),
        migrations.RunSQL(APART, NOT_APART),
        migrations.RunSQL(FIXED, NOT_FIXED),
        migrations.RunSQL(OWED, NOT_OWED),
        migrations.RunSQL(SETTLED_CONTRACT, NOT_SETTLED_CONTRACT),
        migrations.RunSQL(
            append_only("settlement_ledgeraccount", what="ledger accounts"),
            drop_append_only("settlement_ledgeraccount"),
        ),
    ]
