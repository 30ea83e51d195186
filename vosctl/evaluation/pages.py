"""How pages are made of templates: the same rules for all."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def template_room(package: str) -> Environment:
    """The templates that lie beside the modules of a package.

    Everything that a template prints is escaped, and a name that it does not know is an error.
    """
    return Environment(
        loader=PackageLoader(package, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
