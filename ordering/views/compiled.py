"""How templates are compiled: as Jinja2 does, but what each push does hundreds of times is called straight.

A macro calls other macros and `t`, and escapes what it sets in. Jinja2 asks of each call whether the function wants
the context, and makes a `Markup` of each piece of text before it joins them. Ours want no context, and what is joined
needs no mark. What comes out is the same, to the last character; tests compare. Only a `dict`'s key has
to be asked for as one.
"""

from collections.abc import Callable
from keyword import iskeyword
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame, MacroRef
from jinja2.runtime import Macro
from jinja2.utils import missing
from markupsafe import Markup, _escape_inner, escape  # type: ignore[attr-defined] # the C function of `escape`


class Compiler(CodeGenerator):
    """Writes a template's code."""

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        """A call."""
        if forward_caller or node.dyn_args or node.dyn_kwargs or any(iskeyword(named.key) for named in node.kwargs):
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(node.node, frame)
        self.write("(")
        for given in (*node.args, *node.kwargs):
            self.visit(given, frame)
            self.write(", ")
        self.write(")")

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        """A value's attribute. Where there is none Jinja2 looks for a key of that name; ours raises AttributeError."""
        if iskeyword(node.attr):
            super().visit_Getattr(node, frame)
            return
        self.write("(")
        self.visit(node.node, frame)
        self.write(f").{node.attr}")

    def macro_def(self, macro_ref: MacroRef, frame: Frame) -> None:
        """A macro, once its function is there."""
        self.write("environment.")
        super().macro_def(macro_ref, frame)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        """What stands before an expression whose value is set in."""
        if frame.eval_ctx.autoescape and not frame.eval_ctx.volatile and finalize.src is None:
            self.write("environment.escaped(")
        else:
            super()._output_child_pre(node, frame, finalize)


def escaped(value: Any) -> str:
    """The value as text for a page."""
    kind = value.__class__
    if kind is str:
        return _escape_inner(value)
    if kind is Markup:
        return value  # type: ignore[no-any-return] # `cast` is a call
    return str(value) if kind is int else escape(value)


def macro(environment: jinja2.Environment, function: Callable[..., str], *about: Any) -> Callable[..., str]:
    """The macro of a template; `about` is what Jinja2 knows of it: name, arguments, three special ones, escaping."""
    whole = Macro(environment, function, *about)
    _, arguments, kwargs, varargs, caller, _ = about
    if kwargs or varargs or caller:
        return whole
    function.__defaults__ = (missing,) * len(arguments)  # it puts the template's in their place

    def called(*given: Any, **named: Any) -> str:
        return whole(*given, **named) if named else _marked(Markup, function(*given))

    return called


_marked = str.__new__


def once(macro: Callable[..., str], value: Any, *more: Any) -> str:
    """What the macro makes of a value (a `Struct` with `dict=True`) and of what always goes with it: kept with it."""
    kept: dict[Any, str] = value.__dict__
    made = kept.get(macro)
    if made is None:
        made = kept[macro] = macro(value, *more)
    return made


class Environment(jinja2.Environment):
    """Templates compiled so."""

    code_generator_class = Compiler
    escaped = staticmethod(escaped)
    Macro = staticmethod(macro)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.globals["once"] = once
