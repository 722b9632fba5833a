from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "vpp.accounts"
    label = "accounts"
