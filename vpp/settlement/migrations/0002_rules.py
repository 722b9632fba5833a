"""What no single row can keep: a journal balances, a closed period takes none, what was settled or booked stays."""

from django.db import migrations

from vpp.lib.triggers import append_only, drop_append_only

APPEND_ONLY = {
    "settlement_settlementrun": "settlement runs",
    "settlement_performance": "performances",
    "settlement_deviceperformance": "device performances",
    "settlement_payout": "payouts",
    "settlement_journal": "journals",
    "settlement_journalline": "journal lines",
    "settlement_baselineprofile": "baseline profile versions",
    "settlement_paymentrule": "payment rules",
    "settlement_devicemethod": "device methods",
    "settlement_referenceday": "reference days",
    "settlement_ledgerperiod": "closed periods",
    "settlement_statementline": "statement lines",
    "settlement_statementevent": "statement events",
    "settlement_paymentfile": "payment files",
    "settlement_payment": "payments",
    "settlement_componentrule": "component rules",
    "settlement_utilitystatement": "utility statements",
    "settlement_utilitystatementline": "utility statement lines",
    "settlement_disputeevent": "dispute events",
    "settlement_certification": "certifications",
    "settlement_certificationfit": "certification results",
    "settlement_productterms": "product terms",
    "settlement_componentinput": "component inputs",
}

# One deferred check per journal and not per line: a journal of n lines would otherwise read n x n rows.
# line_count closes the gap: with the unique line numbers it leaves no room for a line after the check.
BALANCED = """
CREATE FUNCTION settlement_journal_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found_lines integer;
    worst text;
BEGIN
    SELECT count(*) INTO found_lines FROM settlement_journalline WHERE journal_id = NEW.id;
    IF found_lines <> NEW.line_count THEN
        RAISE EXCEPTION 'journal % has % lines, % announced', NEW.natural_key, found_lines, NEW.line_count
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT string_agg(rest || ' ' || currency, ', ') INTO worst FROM (
        SELECT currency, sum(amount) AS rest FROM settlement_journalline WHERE journal_id = NEW.id
        GROUP BY currency HAVING sum(amount) <> 0
    ) AS unbalanced;
    IF worst IS NOT NULL THEN
        RAISE EXCEPTION 'journal % does not balance: % left', NEW.natural_key, worst
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER settlement_journal_balanced AFTER INSERT ON settlement_journal
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION settlement_journal_is_balanced();

CREATE FUNCTION settlement_line_fits_journal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong bigint;
BEGIN
    SELECT added.journal_id INTO wrong
    FROM (SELECT journal_id, max(number) AS last FROM added GROUP BY journal_id) AS added
    JOIN settlement_journal AS journal ON journal.id = added.journal_id
    WHERE added.last > journal.line_count LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'journal % is complete: no line can be added', wrong USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER settlement_line_fits AFTER INSERT ON settlement_journalline
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION settlement_line_fits_journal();
"""

DROP_BALANCED = """
DROP TRIGGER settlement_line_fits ON settlement_journalline; DROP FUNCTION settlement_line_fits_journal();
DROP TRIGGER settlement_journal_balanced ON settlement_journal; DROP FUNCTION settlement_journal_is_balanced();
"""

CLOSED = """
CREATE FUNCTION settlement_period_is_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- the closing takes this lock for itself: no journal slips in while it adds up
    PERFORM pg_advisory_xact_lock_shared(hashtext('settlement.period'));
    IF EXISTS (SELECT 1 FROM settlement_ledgerperiod
               WHERE (NEW.booked_at AT TIME ZONE 'UTC')::date BETWEEN first_date AND last_date) THEN
        RAISE EXCEPTION 'journal % falls in a closed period', NEW.natural_key USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER settlement_journal_in_open_period BEFORE INSERT ON settlement_journal
    FOR EACH ROW EXECUTE FUNCTION settlement_period_is_open();
"""

DROP_CLOSED = """
DROP TRIGGER settlement_journal_in_open_period ON settlement_journal; DROP FUNCTION settlement_period_is_open();
"""


class Migration(migrations.Migration):
    dependencies = [("settlement", "0001_initial")]

    operations = [
        *[
            migrations.RunSQL(append_only(table, what=what), drop_append_only(table))
            for table, what in APPEND_ONLY.items()
        ],
        migrations.RunSQL(BALANCED, DROP_BALANCED),
        migrations.RunSQL(CLOSED, DROP_CLOSED),
    ]
