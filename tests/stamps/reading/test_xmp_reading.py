"""XMP packets in every form that programs write, and those that are made to do harm."""

import pytest
from malformed import xmp_packet

from studio.core.request import TextToImage
from studio.stamps.reading.xmp import MAX_MARKUP, Xmp, read_packet
from studio.stamps.xmp import packet, source_type

AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
SPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:stRef="http://ns.adobe.com/xap/1.0/sType/ResourceRef#" '
    'xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/" xmlns:s="https://studio.invalid/ns/1.0/"'
)


def sound(inside: str, more: str = "", before: str = "") -> Xmp:
    found = read_packet(xmp_packet(inside, f"{SPACES} {more}", before))
    assert found is not None
    return found


def test_what_we_write_is_read_back() -> None:
    words = {
        "Iptc4xmpExt:DigitalSourceType": source_type(TextToImage()), "Iptc4xmpExt:AISystemUsed": "starter",
        "Iptc4xmpExt:AISystemVersionUsed": "ab12", "Iptc4xmpExt:AIPromptInformation": 'a "house" <by> the & sea\n夕焼け',
        "xmp:CreatorTool": "Studio 0.3", "xmp:CreateDate": "2026-11-23", "photoshop:Credit": "Made with AI",
    }  # fmt: skip
    record = '{"record": "job1-0", "text": "a\\nb\\r<&>"}'
    assert read_packet(packet(words, description="AI-generated image", record=record)) == Xmp(
        digital_source_type=AI, ai_system_used="starter", ai_system_version="ab12",
        ai_prompt='a "house" <by> the & sea\n夕焼け', creator_tool="Studio 0.3", create_date="2026-11-23",
        credit="Made with AI", description="AI-generated image", studio_record=record,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("inside", "more"),
    [
        (f"<Iptc4xmpExt:DigitalSourceType>{AI}</Iptc4xmpExt:DigitalSourceType>", ""),
        (f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{AI}"/>', ""),
        ("", f'Iptc4xmpExt:DigitalSourceType="{AI}" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'),
        (f"<Iptc4xmpExt:DigitalSourceType>\n <rdf:Bag><rdf:li>{AI}</rdf:li></rdf:Bag> </Iptc4xmpExt:DigitalSourceType>", ""),
    ],
)
def test_a_property_may_be_an_element_an_attribute_or_an_address(inside: str, more: str) -> None:
    if more:
        inside = f'</rdf:Description><rdf:Description rdf:about="" {more}>{inside}'
    assert sound(inside).digital_source_type == AI


def test_lists_are_joined_and_of_alternatives_the_first_counts() -> None:
    alternatives = '<rdf:Alt><rdf:li xml:lang="x-default">one</rdf:li><rdf:li xml:lang="de">eins</rdf:li></rdf:Alt>'
    several = "<rdf:Seq><rdf:li>one</rdf:li><rdf:li>two</rdf:li></rdf:Seq>"
    found = sound(f"<dc:description>{alternatives}</dc:description><photoshop:Credit>{several}</photoshop:Credit>")
    assert (found.description, found.credit) == ("one", "one; two")


@pytest.mark.parametrize(
    "inside",
    [
        '<xmpMM:DerivedFrom stRef:instanceID="xmp.iid:1" stRef:documentID="xmp.did:7"/>',
        '<xmpMM:DerivedFrom rdf:parseType="Resource"><stRef:documentID>xmp.did:7</stRef:documentID></xmpMM:DerivedFrom>',
        '<xmpMM:DerivedFrom><rdf:Description stRef:documentID="xmp.did:7"/></xmpMM:DerivedFrom>',
    ],
)
def test_the_original_is_named_in_every_form(inside: str) -> None:
    assert sound(inside).derived_from == "xmp.did:7"


def test_a_label_comment_and_record_are_read() -> None:
    found = sound('<TC260:AIGC>{"Label":"1"}</TC260:AIGC><exif:UserComment>{"c":"x"}</exif:UserComment>', 's:record="{}"')
    assert (found.aigc, found.user_comment, found.studio_record) == ('{"Label":"1"}', '{"c":"x"}', "{}")


def test_what_stands_elsewhere_does_not_count() -> None:
    inside = "<dc:subject><rdf:Bag><rdf:li><xmp:CreatorTool>Fake</xmp:CreatorTool></rdf:li></rdf:Bag></dc:subject>"
    assert sound(inside) == Xmp()
    assert read_packet(b'<x xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:CreatorTool>Fake</xmp:CreatorTool></x>') == Xmp()


def test_the_first_of_two_counts_and_an_empty_one_does_not() -> None:
    tool = "<xmp:CreatorTool>{}</xmp:CreatorTool>"
    assert sound(tool.format(" ") + tool.format("one") + tool.format("two")).creator_tool == "one"


def test_utf_16_padding_and_a_wrong_declaration_are_no_hindrance() -> None:
    text = xmp_packet("<xmp:CreatorTool>夕</xmp:CreatorTool>").decode()
    for data in (b"\xff\xfe" + text.encode("utf-16-le"), text.encode() + b" " * 4_000 + b"\0\0", f"\ufeff{text}"):
        found = read_packet(data)
        assert found is not None
        assert found.creator_tool == "夕"
    declared = read_packet(b'<?xml version="1.0" encoding="latin-1"?>' + text.encode())
    assert declared is not None
    assert declared.creator_tool == "夕"


@pytest.mark.parametrize(
    "before",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]>',
        "<!DOCTYPE x>",
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1:9/"> %a;]>',
    ],
)
def test_document_types_and_entities_are_refused(before: str) -> None:
    found = sound("<xmp:CreatorTool>&a;</xmp:CreatorTool>", before=before)
    assert found == Xmp(problem="its XMP names a document type or an entity and was not read")


@pytest.mark.parametrize(
    ("inside", "more", "problem"),
    [
        ("<a>" * 100 + "</a>" * 100, "", "nested too deeply"),
        ("<a/>" * MAX_MARKUP, "", "too large"),
        ("", " ".join(f'a{n}="1"' for n in range(MAX_MARKUP)), "too large"),
        (f"<xmp:CreatorTool>{'x' * 4_200_000}</xmp:CreatorTool>", "", "too large"),
        ("<a>", "", "not well-formed"),
        ("&nothing;", "", "not well-formed"),
        ("<none:such/>", "", "not well-formed"),
    ],
)
def test_what_passes_a_limit_is_a_problem_and_nothing_is_taken_from_it(inside: str, more: str, problem: str) -> None:
    found = sound("<xmp:CreatorTool>Fake</xmp:CreatorTool>" + inside, more)
    assert problem in found.problem
    assert found == Xmp(problem=found.problem)


def test_no_packet_is_none() -> None:
    assert read_packet(b"") is None
