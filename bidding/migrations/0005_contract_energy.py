"""Contracts may limit the energy that is ordered on a day."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bidding", "0004_full_activation")]

    operations = [
        migrations.AddField(
            model_name="flexcontract",
            name="energy_limit_kwh",
            field=models.FloatField(
                blank=True,
                help_text="most energy ordered on a day; empty: as long as the power is reserved",
                null=True,
            ),
        ),
        migrations.AddConstraint(
            model_name="flexcontract",
            constraint=models.CheckConstraint(
                condition=models.Q(("energy_limit_kwh__isnull", True), ("energy_limit_kwh__gt", 0), _connector="OR"),
                name="flex_contract_energy_positive",
            ),
        ),
    ]
