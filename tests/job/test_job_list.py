"""Tests job/job_entries.py too, beside what it is named after."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vosctl.errors import JobsError, MaskError
from vosctl.job import job_list
from vosctl.job.job_entries import COLUMNS
from vosctl.job.job_list import Job, check_outputs, find_masks, read_jobs
from vosctl.job.request import MaskAt
from vosctl.media.stream_address import stream_address

# The folder is written anew in each example, so that examples do not see each other's files.
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(content: str | bytes, name: str = "jobs.csv") -> Path:
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read_or_refuse(path: Path) -> list[Job] | None:
    """The jobs; None where the list was refused, in one line that names it."""
    try:
        return read_jobs(path)
    except JobsError as error:
        message = str(error)
    assert message.startswith(str(path))
    return None


def test_a_list_as_csv_and_as_json() -> None:
    text = "clip,mask,output,model,max-size\na.mp4,a.png,,,\n\nb c.mp4,x.png;60=y.png,out/b,frtm-rn50,640\n"
    first, second = read_jobs(written(text, "lists/jobs.csv"))
    assert first.clip == Path("lists/a.mp4")
    assert first.masks == (MaskAt(0, Path("lists/a.png")),)
    assert (first.output, first.model, first.max_size) == (None, None, None)
    assert second.clip == Path("lists/b c.mp4")
    assert second.masks == (MaskAt(0, Path("lists/x.png")), MaskAt(60, Path("lists/y.png")))
    assert (second.output, second.model, second.max_size) == (Path("lists/out/b"), "frtm-rn50", 640)
    assert second.where == "lists/jobs.csv line 4"
    entries = [
        {"clip": "a.mp4", "mask": "a.png", "output": None, "model": ""},
        {"clip": "b c.mp4", "mask": ["x.png", "60=y.png"], "output": "out/b", "model": "frtm-rn50"}
        | {"max_size": 640},
    ]
    again = read_jobs(written(json.dumps(entries), "lists/jobs.json"))
    assert [job.where for job in again] == ["lists/jobs.json entry 1", "lists/jobs.json entry 2"]
    assert [(j.clip, j.masks, j.output, j.model, j.max_size) for j in again] == [
        (j.clip, j.masks, j.output, j.model, j.max_size) for j in (first, second)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffclip,mask\na.mp4,a.png\n",  # as spreadsheets save UTF-8
        "clip;mask\r\na.mp4;a.png\r\n",
        "clip\tmask\na.mp4\ta.png",
        'CLIP, "Mask",,\n a.mp4 ,"a.png",,\n,,,\n',
    ],
)
def test_what_spreadsheets_write(text: str) -> None:
    (job,) = read_jobs(written(text))
    assert (job.clip, job.masks) == (Path("a.mp4"), (MaskAt(0, Path("a.png")),))


def test_quotes_hold_separators() -> None:
    (job,) = read_jobs(written('clip;mask\n"a;b.mp4";"a.png;5=0=odd.png"\n'))
    assert job.clip == Path("a;b.mp4")
    assert job.masks == (MaskAt(0, Path("a.png")), MaskAt(5, Path("0=odd.png")))


BAD_CSV = [
    ("", "is empty; expected a header"),
    ("clip,mask\n", "holds no job"),
    ("clip\na.mp4\n", "line 1: no column mask"),
    ("clip,mask,ouptut\n", "line 1: 'ouptut' is not known; did you mean output?"),
    ("clip,mask,colour\n", "'colour' is not known; expected one of clip, mask"),
    ("clip,mask,Mask\n", "line 1: mask is there twice"),
    ("clip,mask\na.mp4,a.png,x,y\n", "line 2: 4 values, expected 2 (clip, mask)"),
    ("clip,mask\na.mp4\n", "line 2: no mask"),
    ('clip,mask\na.mp4,";"\n', "line 2: mask is ';', expected"),
    ('clip,mask\na.mp4,"a.png\n', "not CSV (unexpected end of data); check its quotes"),
    ("clip,mask\na.mp4,a.png;b.png\n", "line 2: a second mask for frame 0"),
    ("clip,mask,max-size\na.mp4,a.png,big\n", "line 2: max-size is 'big', expected pixels, 32 to"),
    ("clip,mask,max-size\na.mp4,a.png,31\n", "max-size is 31"),
    ("clip,mask,output\na.mp4,a.png,o\nb.mp4,b.png,./o/\n", "line 3: o is the output of jobs.csv line 2 too"),
    ("clip,mask,output\na.mp4,a.png,o\nb.mp4,b.png,o/p/q\n", "line 3: its output lies in that of jobs.csv"),
    ("clip,mask,output\na.mp4,a.png,a.png\n", "line 2: a.png is both given and the output"),
    ('clip,mask\n"a\n.mp4",a.png\n', "holds a control character"),
    (b"clip,mask\n\xff\xfe,a.png\n", "line 2: not UTF-8"),
    ("clip,mask\n".encode("utf-16"), "not UTF-8"),
    (b"\0" * 40, "jobs.csv line 1"),
]


@pytest.mark.parametrize(("content", "message"), BAD_CSV)
def test_errors_in_csv_say_where_and_what(content: str | bytes, message: str) -> None:
    with pytest.raises(JobsError) as raised:
        read_jobs(written(content))
    assert message in str(raised.value)
    assert str(raised.value).startswith("jobs.csv")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: not JSON"),
        ('[\n{"clip": }]', "line 2: not JSON (Expecting value, column 10)"),
        ('{"clip": "a", "mask": "b"}', "expected a list"),
        ("[]", "holds no job"),
        ("[5]", "entry 1: found 5, expected"),
        ('[{"clip": "a"}]', "entry 1: no mask"),
        ('[{"clip": "a", "mask": []}]', "entry 1: mask is [], expected"),
        ('[{"clip": "a", "mask": {"0": "b"}}]', "entry 1: mask is {'0': 'b'}, expected"),
        ('[{"clip": "a", "mask": [7]}]', "entry 1: mask is 7, expected text"),
        ('[{"clip": "a", "clip": "b", "mask": "m"}]', "a key stands twice"),
        ('[{"clip": "a", "mask": "m", "max_size": 50, "max-size": 50}]', "entry 1: max-size is there twice"),
        ('[{"clip": "a", "mask": "m", "max-size": true}]', "max-size is True"),
        ('[{"clip": "a", "mask": "m", "max-size": 64.5}]', "max-size is 64.5"),
        ('[{"clip": "a", "mask": "m", "output": 0}]', "output is 0, expected text"),
        ('[{"clip": "\\ud800", "mask": "m"}]', "holds a control character"),
        ("[" * 5000, "not JSON that can be read"),
        ('[{"clip": "a", "mask": "m", "max-size": ' + "9" * 5000 + "}]", "not JSON that can be read"),
    ],
)
def test_errors_in_json_say_where_and_what(content: str, message: str) -> None:
    with pytest.raises(JobsError) as raised:
        read_jobs(written(content, "jobs.json"))
    assert message in str(raised.value)
    assert len(str(raised.value)) < 300


def test_paths_stay_in_the_lists_folder(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "way-out").symlink_to(folder)
    (folder / "inner" / "loop").symlink_to(folder / "inner" / "loop")
    for row in (
        "../a.mp4,a.png,o",
        f"{folder}/a.mp4,a.png,o",
        "a.mp4,9=way-out/a.png,o",
        "a.mp4,a.png,way-out/o",
    ):
        path = written(f"clip,mask,output\n{row}\n", "inner/jobs.csv")
        with pytest.raises(JobsError, match=r"line 2: .* lies outside inner; .*--allow-outside"):
            read_jobs(path)
        assert len(read_jobs(path, allow_outside=True)) == 1
    with pytest.raises(JobsError, match=r"model '\.\./m\.pt' lies outside"):
        read_jobs(written("clip,mask,model\na.mp4,a.png,../m.pt\n", "inner/jobs.csv"))
    with pytest.raises(JobsError, match="line 2"):
        read_jobs(written(f"clip,mask\nloop/a.mp4,{'x' * 5000}/../../../a.png\n", "inner/jobs.csv"))
    (job,) = read_jobs(
        written(f"clip,mask\n{folder}/inner/b/../a.mp4,way-out/inner/a.png\n", "inner/jobs.csv")
    )
    assert job.clip.resolve() == folder / "inner" / "a.mp4"


@pytest.mark.parametrize("address", ["rtsp://user:word@camera//1", "v4l2:/dev/video9", "/dev/video9"])
def test_addresses_are_for_lists_that_are_trusted(address: str) -> None:
    path = written(f"clip,mask\n{address},a.png\n")
    with pytest.raises(JobsError, match=r"jobs\.csv line 2: clip .* use --allow-outside") as refused:
        read_jobs(path)
    assert "word" not in str(refused.value)
    (job,) = read_jobs(path, allow_outside=True)
    stream = stream_address(job.clip)
    assert stream is not None
    assert stream.url == address.removeprefix("v4l2:")


def test_lists_that_cannot_be_read() -> None:
    Path("folder.csv").mkdir()
    with pytest.raises(JobsError, match=r"folder\.csv cannot be read: Is a directory"):
        read_jobs(Path("folder.csv"))
    with pytest.raises(JobsError, match=r"nowhere\.csv cannot be read: No such file"):
        read_jobs(Path("nowhere.csv"))
    with Path("huge.csv").open("wb") as file:
        os.truncate(file.fileno(), 1 << 40)
    with pytest.raises(JobsError, match=r"huge\.csv: larger than 16 MiB"):
        read_jobs(Path("huge.csv"))


NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/\\"), min_size=1, max_size=20
)


@QUICK
@given(
    st.lists(
        st.tuples(
            NAMES, st.dictionaries(st.integers(0, 999), NAMES, min_size=1), st.none() | st.integers(32, 9999)
        ),
        min_size=1,
    )
)
def test_every_json_list_comes_back(jobs: list[tuple[str, dict[int, str], int | None]]) -> None:
    entries = [
        {"clip": clip, "mask": [f"{frame}={name}" for frame, name in masks.items()], "max-size": size}
        for clip, masks, size in jobs
    ]
    found = read_jobs(written(json.dumps(entries), "jobs.json"), allow_outside=True)
    for job, (clip, masks, size) in zip(found, jobs, strict=True):
        assert job.clip == Path() / clip
        assert job.masks == tuple(MaskAt(frame, Path() / name) for frame, name in masks.items())
        assert job.max_size == size


@QUICK
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.sampled_from([".csv", ".json"]))
def test_any_bytes_give_jobs_or_one_line(content: bytes, suffix: str) -> None:
    assert read_or_refuse(written(content, f"any{suffix}")) != []


CELLS = st.sampled_from(
    ["", "a", "../a", "/etc/x", '"', "5=a", "a;b", "5=", ".", "640", "\t", "o/../..", "\ufeff"]
)


@QUICK
@given(
    st.lists(st.sampled_from([*COLUMNS, "Clip", "", "x"]), max_size=6),
    st.lists(st.lists(CELLS, max_size=6), max_size=4),
)
def test_no_table_leads_outside(header: list[str], rows: list[list[str]]) -> None:
    header = ["clip", "mask", *header]
    text = "\n".join(",".join(cells) for cells in (header, *rows))
    inner = Path("inner").resolve()
    for job in read_or_refuse(written(text, "inner/jobs.csv")) or []:
        named = [job.clip, *(mask.path for mask in job.masks), *([job.output] if job.output else [])]
        assert all(path.resolve().is_relative_to(inner) for path in named)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | CELLS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(COLUMNS) | st.text(), inner, max_size=3)
    ),
)


@QUICK
@given(
    st.lists(
        st.fixed_dictionaries({"clip": VALUES, "mask": VALUES}, optional={"output": VALUES, "model": VALUES})
    )
    | VALUES
)
def test_any_json_gives_jobs_or_one_line(content: object) -> None:
    assert read_or_refuse(written(json.dumps(content), "any.json")) != []


def test_masks_are_found_by_the_clips_name() -> None:
    clip = Path("clips/a.mp4")
    for name in ("masks/a.png", "masks/b/00060.png", "masks/b/7.png", "masks/c/x.png", "masks/d/readme"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    masks = Path("masks")
    assert find_masks(clip, "a", masks) == (MaskAt(0, masks / "a.png"),)
    assert find_masks(clip, "b", masks) == (MaskAt(7, masks / "b/7.png"), MaskAt(60, masks / "b/00060.png"))
    for name, message in {
        "c": r"c/x\.png: expected a frame number",
        "d": "masks/d holds no mask",
        "e": r"clips/a\.mp4: no mask in masks; expected e\.png, or e/00000\.png",
    }.items():
        with pytest.raises(MaskError, match=message):
            find_masks(clip, name, masks)
    Path("masks/a").mkdir()
    with pytest.raises(MaskError, match=r"both masks/a\.png and masks/a"):
        find_masks(clip, "a", masks)
    with pytest.raises(MaskError, match="nowhere is no folder"):
        find_masks(clip, "a", Path("nowhere"))


def test_too_many_jobs_are_refused_before_their_paths_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_list, "_MAX_JOBS", 3)
    monkeypatch.setattr(job_list, "_Entry", None)
    for text, name in (("clip,mask\n" + "a,b\n" * 4, "jobs.csv"), ('[{"clip": "a"},{},{},{}]', "jobs.json")):
        with pytest.raises(JobsError, match="holds more than 3 jobs; split it"):
            read_jobs(written(text, name))


def test_outputs_through_links_meet() -> None:
    Path("real").mkdir()
    Path("link").symlink_to("real")
    with pytest.raises(JobsError, match="two: link/o is the output of one too"):
        check_outputs([(Path("real/o"), "one"), (Path("link/o"), "two")])


def test_the_reader_needs_no_torch() -> None:
    code = "import sys, vosctl.job.job_list; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
