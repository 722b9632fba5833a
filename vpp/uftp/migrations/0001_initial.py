import django.contrib.postgres.fields
import django.db.models.deletion
import vpp.accounts.create_tables
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0002_rules'),
        ('bidding', '0001_initial'),
        ('network', '0001_initial'),
    ]

    operations = [
        vpp.accounts.create_tables.CreateTables(
            operations=[
                migrations.CreateModel(
                    name='Counterparty',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('domain', models.CharField(max_length=200)),
                        ('role', models.CharField(choices=[('DSO', 'distribution system operator'), ('CRO', 'common reference operator')], default='DSO', max_length=3)),
                        ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='counterparties', to='accounts.participant')),
                        ('endpoint', models.URLField(max_length=400)),
                        ('version', models.CharField(default='3.1.0', help_text='of messages that answer none', max_length=12)),
                        ('barred', models.BooleanField(default=False)),
                        ('oauth_url', models.URLField(blank=True, help_text='where a bearer token for its endpoint is had', max_length=400)),
                        ('oauth_client_id', models.CharField(blank=True, max_length=200)),
                        ('oauth_secret_sealed', models.TextField(blank=True, help_text="encrypted under the service's key")),
                        ('eans', models.JSONField(blank=True, default=dict, help_text='congestion point: EAN to send Metering under')),
                        ('created_at', models.DateTimeField()),
                    ],
                    options={
                        'verbose_name_plural': 'counterparties',
                        'constraints': [models.UniqueConstraint(fields=('domain', 'role'), name='counterparty_once_a_role')],
                    },
                ),
                migrations.CreateModel(
                    name='CounterpartyKey',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('counterparty', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='keys', to='uftp.counterparty')),
                        ('public_key', models.CharField(help_text='Ed25519, 32 bytes in base64', max_length=60)),
                        ('valid_from', models.DateTimeField()),
                        ('valid_until', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('counterparty', 'public_key'), name='counterparty_key_once'), models.CheckConstraint(condition=models.Q(('valid_until__isnull', True), ('valid_until__gte', models.F('valid_from')), _connector='OR'), name='key_period_in_order')],
                    },
                ),
                migrations.CreateModel(
                    name='OwnKey',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('public_key', models.CharField(max_length=60, unique=True)),
                        ('private_key_sealed', models.TextField(help_text="encrypted under the service's key")),
                        ('created_at', models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name='InMessage',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('counterparty', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='in_messages', to='uftp.counterparty')),
                        ('message_id', models.UUIDField()),
                        ('conversation_id', models.UUIDField()),
                        ('kind', models.CharField(max_length=40)),
                        ('version', models.CharField(max_length=12)),
                        ('xml', models.TextField()),
                        ('digest', models.CharField(help_text='SHA-256 of the inner message', max_length=64)),
                        ('received_at', models.DateTimeField()),
                        ('state', models.CharField(choices=[('RECEIVED', 'waiting'), ('ACCEPTED', 'accepted'), ('REJECTED', 'rejected'), ('NOTED', 'an answer to one of ours')], default='RECEIVED', max_length=8)),
                        ('reason', models.TextField(blank=True)),
                        ('processed_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['counterparty', 'received_at'], name='in_messages_of_a_minute')],
                        'constraints': [models.UniqueConstraint(fields=('counterparty', 'message_id'), name='in_message_once'), models.CheckConstraint(condition=models.Q(('state', 'RECEIVED'), ('processed_at__isnull', False), _connector='OR'), name='in_message_done_has_a_moment')],
                    },
                ),
                migrations.CreateModel(
                    name='OutMessage',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('counterparty', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='out_messages', to='uftp.counterparty')),
                        ('natural_key', models.CharField(max_length=200, unique=True)),
                        ('message_id', models.UUIDField(unique=True)),
                        ('conversation_id', models.UUIDField()),
                        ('kind', models.CharField(max_length=40)),
                        ('xml', models.TextField()),
                        ('answers', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='uftp.inmessage')),
                        ('state', models.CharField(choices=[('PENDING', 'to be sent'), ('SENT', 'taken with 200'), ('FAILED', 'refused, or nobody took it for an hour')], default='PENDING', max_length=7)),
                        ('attempts', models.PositiveSmallIntegerField(default=0)),
                        ('first_tried_at', models.DateTimeField(blank=True, null=True)),
                        ('sent_at', models.DateTimeField(blank=True, null=True)),
                        ('error', models.CharField(blank=True, max_length=300)),
                        ('created_at', models.DateTimeField()),
                        ('result', models.CharField(blank=True, help_text="the other side's answer: Accepted or Rejected", max_length=8)),
                        ('result_reason', models.TextField(blank=True)),
                    ],
                ),
                migrations.CreateModel(
                    name='RequestLink',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('message', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='request_links', to='uftp.inmessage')),
                        ('ask', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='uftp_request', to='bidding.ask')),
                        ('least_kw', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), help_text='per interval the least that the deviation must be', size=None)),
                    ],
                ),
                migrations.CreateModel(
                    name='Offer',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('message', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='offer', to='uftp.outmessage')),
                        ('bid', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='uftp_offer', to='bidding.bid')),
                        ('unsolicited', models.BooleanField(default=False)),
                        ('state', models.CharField(choices=[('SENT', 'not answered yet'), ('ACCEPTED', 'accepted, which is no order'), ('REJECTED', 'rejected'), ('REVOKED', 'revoked by us')], default='SENT', max_length=8)),
                    ],
                ),
                migrations.CreateModel(
                    name='Order',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('message', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='order', to='uftp.inmessage')),
                        ('counterparty', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='uftp.counterparty')),
                        ('order_reference', models.CharField(max_length=200)),
                        ('award', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='uftp_order', to='bidding.award')),
                        ('price', models.DecimalField(decimal_places=4, max_digits=14)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('counterparty', 'order_reference'), name='uftp_order_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Prognosis',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('message', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='prognosis', to='uftp.outmessage')),
                        ('congestion_point', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.congestionpoint')),
                        ('delivery_date', models.DateField()),
                        ('revision', models.PositiveIntegerField()),
                        ('order_statuses', models.JSONField(default=dict, help_text='order message id: whether they found it in ours')),
                    ],
                    options={
                        'verbose_name_plural': 'prognoses',
                        'constraints': [models.UniqueConstraint(fields=('congestion_point', 'delivery_date', 'revision'), name='prognosis_once')],
                    },
                ),
            ],
        ),
    ]
