"""Audit events stay. And an order: the tables of Django and of libraries come before ours.

Most of our models are related to a user, so each change of a library's model after them would build the classes of all
of ours again: a fresh database would take twice as long.
"""

from django.db import migrations

from vpp.lib.triggers import append_only, drop_append_only


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("oauth2_provider", "0022_refreshtoken_token_family_index"),
        ("otp_static", "0003_add_timestamps"),
        ("otp_totp", "0003_add_timestamps"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            append_only("accounts_auditevent", what="audit events"), drop_append_only("accounts_auditevent")
        ),
    ]
