from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


def day_array(help_text):
    return ArrayField(models.FloatField(), help_text=help_text)


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0003_device_use")]

    operations = [
        migrations.RenameField("plan", "needed_up_kwh", "least_stored_kwh"),
        migrations.RenameField("plan", "needed_down_kwh", "most_stored_kwh"),
        migrations.AlterField(
            "plan",
            "least_stored_kwh",
            day_array("content all batteries together must have at the end of each interval"),
        ),
        migrations.AlterField(
            "plan", "most_stored_kwh", day_array("content they may have at most, to take what is bought later")
        ),
    ]
