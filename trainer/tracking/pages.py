"""The templates of the pages: escaped, and strict about what is missing."""

import jinja2

from trainer.config.redaction import without_credentials
from trainer.tracking import formatting


def template(name: str) -> jinja2.Template:
    """A template of this folder; `format` in it is `formatting`, the filter `uri` leaves credentials out."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("trainer.tracking", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["uri"] = without_credentials
    return environment.get_template(name, globals={"format": formatting})
