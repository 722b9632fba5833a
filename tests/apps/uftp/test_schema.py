"""The official schema, where an installation has its files: here with two small files of our own wording."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from vpp.uftp import schema
from vpp.uftp.form import parse
from vpp.uftp.schema import BadForm, check_official_schema

HEAD = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
COMMON = f"""{HEAD}
  <xs:simpleType name="Tag"><xs:restriction base="xs:string"><xs:pattern value="[a-z]+"/></xs:restriction></xs:simpleType>
  <xs:element name="TestMessage"><xs:complexType><xs:attribute name="Version" fixed="3.1.0"/></xs:complexType></xs:element>
</xs:schema>"""
ORDERS = f"""{HEAD}
  <xs:include schemaLocation="base.xsd"/>
  <xs:element name="FlexOrder"><xs:complexType>
    <xs:attribute name="FlexOfferMessageID" type="Tag" use="required"/>
    <xs:attribute name="Unsolicited" type="xs:boolean"/><xs:attribute name="Colour" type="Tag"/>
  </xs:complexType></xs:element>
</xs:schema>"""


@pytest.fixture
def folder(tmp_path: Path, settings) -> Path:
    (tmp_path / "base.xsd").write_text(COMMON)
    (tmp_path / "orders.xsd").write_text(ORDERS)
    settings.UFTP_XSD_FOLDER = str(tmp_path)
    return tmp_path


def test_files_take_in_each_other_and_bind_their_elements(folder: Path):
    assert set(schema.compiled(str(folder))) == {"TestMessage", "FlexOrder"}
    check_official_schema(b'<FlexOrder FlexOfferMessageID="abc"/>', "FlexOrder")
    with pytest.raises(BadForm, match="pattern"):
        check_official_schema(b'<FlexOrder FlexOfferMessageID="A1"/>', "FlexOrder")
    check_official_schema(b"<FlexOffer/>", "FlexOffer")  # no file declares it


def test_an_order_without_an_offer_may_name_none_though_the_schema_wants_one(folder: Path):
    check_official_schema(b'<FlexOrder Unsolicited="true"/>', "FlexOrder")
    for xml in (b"<FlexOrder/>", b'<FlexOrder Unsolicited="false"/>', b'<FlexOrder Unsolicited="true" Colour="7"/>'):
        with pytest.raises(BadForm):
            check_official_schema(xml, "FlexOrder")


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (COMMON.replace(HEAD, f'{HEAD}<xs:include schemaLocation="http://example.org/x.xsd"/>'), "not in its folder"),
        (COMMON.replace(HEAD, f'{HEAD}<xs:include schemaLocation="../x.xsd"/>'), "not in its folder"),
        (COMMON.replace(HEAD, f'{HEAD}<xs:include schemaLocation="missing.xsd"/>'), "not in its folder"),
        (f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>{COMMON}', "document type"),
        (COMMON.replace("</xs:schema>", ""), "base.xsd"),
        (COMMON.replace("xs:string", "xs:strong"), "base.xsd"),
        (COMMON.replace("TestMessage", "FlexOrder"), "another file"),
    ],
)
def test_files_that_cannot_be_trusted_or_used_are_named(folder: Path, text, finding):
    (folder / "base.xsd").write_text(text)
    with pytest.raises(ImproperlyConfigured, match=finding):
        schema.compiled(str(folder))


def test_an_empty_folder_is_named(tmp_path: Path):
    with pytest.raises(ImproperlyConfigured, match="holds no"):
        schema.compiled(str(tmp_path))


@pytest.mark.parametrize("kind", ["FlexOfferResponse", "D-PrognosisResponse"])
def test_an_answer_without_a_result_is_no_yes(kind):
    with pytest.raises(BadForm, match="Result is missing"):
        parse(f"<{kind}/>".encode(), {kind})
