"""Room for whoever gave a reference beside the reference: two utilities may use the same words."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bidding", "0005_contract_energy")]

    operations = [
        migrations.AlterField(
            model_name="award",
            name="source_reference",
            field=models.CharField(
                help_text="whoever awarded it in brackets, then their own reference", max_length=250, unique=True
            ),
        ),
    ]
