import json

import typer

from tests.cli.command import Command
from vosctl.cli.app import app
from vosctl.cli.completion import topic_files
from vosctl.cli.help_topics import _show
from vosctl.errors import VosctlError
from vosctl.masks.formats import FORMATS

TOPICS = [path.stem for path in topic_files()]


def test_topics_are_listed_and_shown_as_they_are_when_piped(vosctl: Command) -> None:
    listed = vosctl("help").out
    for name, path in zip(TOPICS, topic_files(), strict=True):
        assert f"\n{name} " in f"\n{listed}"
        result = vosctl("help", name)
        assert result.code == 0
        assert result.out.startswith(path.read_text().strip())
    assert set(TOPICS) >= {"masks", "formats", "exit-codes", "config", "models", "streaming", "corrections"}
    found = json.loads(vosctl("help", "masks", "--json").out)
    assert (found["topics"], found["topic"]) == (TOPICS, "masks")
    assert found["text"].startswith("# ")


def test_json_tells_the_keys_of_every_command(vosctl: Command) -> None:
    text = vosctl("help", "json").out
    for name in typer.main.get_command(app).commands:  # type: ignore[attr-defined]
        assert f"\n## vosctl {name}\n\n`--json`" in text, name
    assert "done, skipped, broken, failed" in text


def test_a_terminal_gets_no_markdown(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    _show("# Title\n\nSome `code`.\n")
    out = capsys.readouterr().out
    assert "Title" in out
    assert "`" not in out
    assert "#" not in out


def test_a_topic_that_is_not_there(vosctl: Command) -> None:
    result = vosctl("help", "mask")
    assert result.code == 2
    assert "mask: no such topic; did you mean masks?" in result.error
    assert f"expected one of {', '.join(TOPICS)}" in vosctl("help", "xyzzy").error


def test_the_topics_leave_nothing_out(vosctl: Command) -> None:
    formats = vosctl("help", "formats").out
    assert all(f"`{name}`" in formats for name in FORMATS)
    codes = vosctl("help", "exit-codes").out

    def all_codes(kind: type[VosctlError]) -> set[int]:
        return {kind.exit_code}.union(*map(all_codes, kind.__subclasses__()))

    assert all(f"| {code} |" in codes for code in {0, 70, 130, *all_codes(VosctlError)})
    for name in TOPICS:
        assert max(map(len, vosctl("help", name).out.splitlines())) <= 120
