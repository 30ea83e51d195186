"""Tests evaluation/charts.py and evaluation/frame_pictures.py too, beside what it is named after."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from vosctl.errors import ClipError
from vosctl.evaluation.charts import Line, bar_chart, line_chart
from vosctl.evaluation.dataset_run import score_masks
from vosctl.evaluation.datasets import DatasetName, open_dataset
from vosctl.evaluation.report import write_report
from vosctl.evaluation.results import Failure

from .small_davis import Counted, moving_objects, save_davis, save_predictions
from .small_results import small_result


class Page(HTMLParser):
    """Checks that tags close, and keeps what would be fetched."""

    VOID = frozenset({"meta", "img", "line", "rect"})

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.images = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.links += [values[name] for name in ("href", "src", "srcset", "data") if name in values]
        if tag == "img":
            self.images.append(values)
        if tag not in self.VOID or tag == "rect":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def scored(tmp_path):
    """Object 2 is lost in frame 3, the worst; all is right in the others."""
    maps = moving_objects(6)
    dataset = open_dataset(DatasetName.DAVIS17, save_davis(tmp_path / "DAVIS", {"a<b": maps}))
    predictions = [labels.copy() for labels in maps]
    predictions[3][predictions[3] == 2] = 0
    save_predictions(tmp_path / "out" / "a<b", predictions)
    return dataset, score_masks(dataset, tmp_path / "out", Counted())


def test_one_file_without_links_that_holds_charts_and_pictures(scored, tmp_path):
    dataset, result = scored
    write_report(result, dataset, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    page = Page(text)
    assert all(link.startswith("data:image/jpeg;base64,") for link in page.links)
    assert not re.search(r"https?://|@import|url\(", text)
    assert text.count("<svg") == 3  # bars, J over time, F over time
    assert "a&lt;b" in text
    assert "a<b" not in text
    assert [image["alt"].split(", ")[1] for image in page.images] == [
        "worst frame: 00003",
        "best frame: 00004",
    ]
    assert f"{result.summary.j_and_f:.3f}" in text


def test_pictures_show_prediction_and_annotation_side_by_side(scored, tmp_path):
    dataset, result = scored
    write_report(result, dataset, tmp_path / "report.html")
    worst = Page((tmp_path / "report.html").read_text()).images[0]["src"]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(worst.partition(",")[2]))))
    assert picture.shape == (48, 128, 3)
    place = np.s_[30:35, 13:18]  # inside object 2, which the prediction has lost: green on the right alone
    left, right = picture[:, :64][place].astype(int), picture[:, 64:][place].astype(int)
    assert (right[..., 1] - left[..., 1]).mean() > 15


def test_a_run_shows_speed_what_made_it_and_what_failed(scored, tmp_path):
    dataset, _ = scored
    result = replace(small_result(), failures=(Failure("dog", "out of <memory>"),))
    write_report(result, dataset, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "ab" * 32 in text
    assert "dog</b>: out of &lt;memory&gt;" in text
    assert "<td>64x48</td><td>2.00</td>" in text
    assert not Page(text).images  # these sequences are not in the data set


def test_a_split_that_only_its_server_scores(scored, tmp_path):
    dataset, _ = scored
    write_report(small_result(scored=False), dataset, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "its server scores it" in text
    assert "<td>64x48</td>" in text


def test_bars_are_as_long_as_their_values():
    chart = bar_chart([("a", 0.5, 1.0)])
    root = ElementTree.fromstring(chart[chart.index("<svg") :])
    widths = [float(bar.get("width")) for bar in root.iter("rect")]
    assert widths == [220, 440]


def test_lines_share_the_axis_of_frames():
    lines = [
        Line("1", "red", ("00000", "00005", "00010"), (0.0, 0.5, 1.0)),
        Line("2", "blue", ("00010",), (0.25,)),
    ]
    first, second = ElementTree.fromstring(line_chart("J", lines)).iter("polyline")
    assert first.get("points") == "30.0,135.0 260.0,70.0 490.0,5.0"
    assert second.get("points") == "490.0,102.5 490.0,102.5"  # twice, or nothing would be drawn


def test_a_frame_that_cannot_be_shown_is_named(scored, tmp_path):
    dataset, result = scored
    dataset.sequences[0].frames[3].write_bytes(b"no picture")
    with pytest.raises(ClipError, match=r"00003\.jpg cannot be read"):
        write_report(result, dataset, tmp_path / "report.html")
