"""What the shell offers for the values of options; without torch, so that it is there at once."""

from collections.abc import Iterator
from pathlib import Path

from vosctl.masks.formats import FORMATS


def models(incomplete: str) -> Iterator[str]:
    """Names that `--model` takes."""
    from vosctl.systems.names import known_names

    return (name for name in known_names() if name.startswith(incomplete))


def formats(incomplete: str) -> Iterator[tuple[str, str]]:
    """Names that `--format` takes, with what they are."""
    return ((form.name, form.summary) for form in FORMATS.values() if form.name.startswith(incomplete))


def exact_formats(incomplete: str) -> Iterator[tuple[str, str]]:
    """Names that `convert --to` takes."""
    return ((name, summary) for name, summary in formats(incomplete) if not FORMATS[name].needs_soft)


def variants(incomplete: str) -> Iterator[tuple[str, str]]:
    """Names that `--variant` takes."""
    known = {"d-only": "without the refinement network", "no-update": "the target model is never updated"}
    return ((name, text) for name, text in known.items() if name.startswith(incomplete))


def devices(incomplete: str) -> Iterator[str]:
    """Devices that are usual; which there are, only torch could tell."""
    return (name for name in ("auto", "cpu", "cuda:0", "cuda:1") if name.startswith(incomplete))


def windows(incomplete: str) -> Iterator[str]:
    """Values of `--window`."""
    return (name for name in ("low-latency", "1", "4") if name.startswith(incomplete))


def engines(incomplete: str) -> Iterator[str]:
    """Values of `--engine`."""
    return (name for name in ("processes", "ray", "ray://") if name.startswith(incomplete))


def topics(incomplete: str) -> Iterator[tuple[str, str]]:
    """Topics of `vosctl help`, with their titles."""
    return ((path.stem, title_of(path)) for path in topic_files() if path.stem.startswith(incomplete))


def topic_files() -> list[Path]:
    """The texts of `vosctl help`, by name."""
    return sorted((Path(__file__).parent / "topics").glob("*.md"))


def title_of(path: Path) -> str:
    """The first line of a topic, without its `#`."""
    return path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
