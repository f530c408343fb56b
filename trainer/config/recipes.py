"""The recipes that ship with the package, by name."""

from importlib import resources

RECIPES = resources.files("trainer") / "recipes"


def recipe_names() -> list[str]:
    """In alphabetical order."""
    return sorted(file.name.removesuffix(".yaml") for file in RECIPES.iterdir() if file.name.endswith(".yaml"))
