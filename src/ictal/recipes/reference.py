"""Every setting with its meaning, taken from the docstring under each field of the configuration's classes."""

from __future__ import annotations

import ast
import inspect
import textwrap

import tomli_w

from ictal.recipes import config as configs
from ictal.recipes.config import Config


def field_docs(kind: type) -> dict[str, str]:
    """The string literal under each annotated field of a class."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    docs = {}
    for field, following in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and _is_text(following):
            docs[field.target.id] = " ".join(ast.literal_eval(following.value).split())  # type: ignore[attr-defined]
    return docs


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _inline(value: object) -> str:
    """A value on one line; a table too, for a table with a line of its own would end the section."""
    if isinstance(value, dict):
        return f"{{{', '.join(_assignment(name, entry) for name, entry in value.items())}}}"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").rstrip()


def _assignment(name: str, value: object) -> str:
    return tomli_w.dumps({name: value}).rstrip()


def annotated_toml(config: Config) -> str:
    """The configuration as TOML with a comment above every value."""
    lines = []
    for section, values in configs.tree(config).items():
        docs = field_docs(type(getattr(config, section)))
        lines.append(f"[{section}]")
        for name, value in values.items():
            lines += [f"# {line}" for line in textwrap.wrap(docs[name], 110)]
            lines.append(f"{name} = {_inline(value)}")
        lines.append("")
    return "\n".join(lines)
