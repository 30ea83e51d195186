from xml.etree import ElementTree

from vosctl.charts import STYLE, Canvas

SVG = "{http://www.w3.org/2000/svg}"


def test_a_document_stands_alone_and_an_element_in_a_page() -> None:
    canvas = Canvas(200, 100, "a < b")
    canvas.bar((10, 20), (30.04, 12), "red", "one & two")
    document = ElementTree.fromstring(canvas.document())
    assert document.tag == f"{SVG}svg"
    assert document.find(f"{SVG}style").text == STYLE  # type: ignore[union-attr]
    element = ElementTree.fromstring(canvas.element())
    assert element.tag == "svg"
    assert element.find("style") is None
    assert element.get("aria-label") == "a < b"
    bar = element.find("rect")
    assert bar is not None
    assert [bar.get(name) for name in ("x", "y", "width", "height")] == ["10", "20", "30.0", "12"]
    assert bar.findtext("title") == "one & two"


def test_text_is_escaped_and_coloured() -> None:
    canvas = Canvas(10, 10, "")
    canvas.text((1, 2), "<b>", "end", title=True, colour="#123456")
    text = ElementTree.fromstring(canvas.element()).find("text")
    assert text is not None
    assert text.text == "<b>"
    assert [text.get(name) for name in ("text-anchor", "class", "style")] == ["end", "title", "fill:#123456"]


def test_a_curve_of_one_point_can_be_seen() -> None:
    canvas = Canvas(10, 10, "")
    canvas.curve([(1, 2)], "red", "")
    canvas.curve([(1, 2), (3, 4)], "red", "")
    lines = [line.get("points") for line in ElementTree.fromstring(canvas.element()).iter("polyline")]
    assert lines == ["1.0,2.0 1.0,2.0", "1.0,2.0 3.0,4.0"]
