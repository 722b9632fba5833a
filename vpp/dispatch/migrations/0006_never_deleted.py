"""Plans, and setpoints that were given, are what settlement finds out by who had to deliver: neither is deleted."""

from django.db import migrations

KEPT = ("dispatch_plan", "dispatch_plandevice", "dispatch_setpoint")
FORWARD = """
CREATE FUNCTION dispatch_rows_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are kept: DELETE is refused', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
""" + "\n".join(
    f"CREATE TRIGGER {table}_never_deleted BEFORE DELETE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION dispatch_rows_are_kept();"
    for table in KEPT
)
BACKWARD = "\n".join(f"DROP TRIGGER {table}_never_deleted ON {table};" for table in KEPT) + (
    "\nDROP FUNCTION dispatch_rows_are_kept();"
)


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0005_kept_as_written")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
