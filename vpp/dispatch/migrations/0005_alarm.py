import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bidding", "0001_initial"),
        ("dispatch", "0004_stored_corridor"),
        ("enrollment", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Alarm",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("EXPECTED_SHORTFALL", "will not be delivered as things stand"),
                            ("DEVIATION", "was not delivered"),
                        ],
                        max_length=20,
                    ),
                ),
                ("interval_start", models.DateTimeField()),
                ("committed_up_kw", models.FloatField(help_text="of this commitment, up positive")),
                ("short_kw", models.FloatField(help_text="missing of it")),
                ("raised_at", models.DateTimeField()),
                ("acknowledged_at", models.DateTimeField(blank=True, null=True)),
                ("acknowledged_by", models.CharField(blank=True, max_length=200)),
                ("note", models.CharField(blank=True, max_length=200)),
                (
                    "award",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="bidding.award",
                    ),
                ),
                (
                    "portfolio",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alarms",
                        to="enrollment.portfolio",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("acknowledged_at__isnull", True)),
                        fields=["-raised_at"],
                        name="alarms_open",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("portfolio", "interval_start", "award", "kind"), name="alarm_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("short_kw__gt", 0)), name="alarm_misses_something"
                    ),
                ],
            },
        ),
    ]
