"""No day stands on two statements of an owner; what was paid too much is taken off a later payment."""

from django.db import migrations, models

FORWARD = """
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
REVERSE = """
DROP TRIGGER settlement_statement_apart ON settlement_statement;
DROP FUNCTION settlement_statement_is_apart();
"""


class Migration(migrations.Migration):
    dependencies = [("settlement", "0003_shipped_rows")]

    operations = [
        migrations.RemoveConstraint(model_name="payment", name="payment_positive"),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount", 0), _negated=True), name="payment_of_something"
            ),
        ),
        migrations.RunSQL(FORWARD, REVERSE),
    ]
