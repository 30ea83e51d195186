import pytest

from vosctl.boxes import Box, parse_box, parse_boxes
from vosctl.errors import UsageError


def test_a_box_is_its_corner_and_its_size() -> None:
    assert parse_box(" 10, 20,30 ,40", 100, 100) == Box(10, 20, 40, 60)
    assert parse_box("0,0,100,50", 100, 50) == Box(0, 0, 100, 50)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected x,y,w,h"),
        ("1,2,3", "expected x,y,w,h"),
        ("1,2,3,4,5", "expected x,y,w,h"),
        ("1.5,2,3,4", "expected x,y,w,h"),
        ("a,b,c,d", "expected x,y,w,h"),
        ("1" * 50 + ",2,3,4", "expected x,y,w,h"),
        ("1,2,0,4", "at least 1"),
        ("1,2,3,-4", "at least 1"),
        ("-1,2,3,4", "inside the frame, which is 100x50"),
        ("90,2,11,4", "inside the frame, which is 100x50"),
        ("0,0,100,51", "inside the frame, which is 100x50"),
    ],
)
def test_what_is_no_box_of_the_frame_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        parse_box(text, 100, 50)


def test_boxes_without_an_id_get_free_ones() -> None:
    boxes = parse_boxes(["0,0,1,1", "2=5,5,2,2", "7,7,3,3"], 20, 20, taken=[1])
    assert boxes == {2: Box(5, 5, 7, 7), 3: Box(0, 0, 1, 1), 4: Box(7, 7, 10, 10)}


@pytest.mark.parametrize("texts", [["0=1,1,2,2"], ["255=1,1,2,2"], ["x=1,1,2,2"], ["2=1,1,2,2", "2=3,3,2,2"]])
def test_wrong_ids_are_refused(texts: list[str]) -> None:
    with pytest.raises(UsageError, match="object"):
        parse_boxes(texts, 20, 20)
    with pytest.raises(UsageError, match="object 5 already"):
        parse_boxes(["5=1,1,2,2"], 20, 20, taken=[5])
