"""The nodes of `ast` that have a place in the code, which CPython asks for: they are all in one."""

from __future__ import annotations

import ast


class _Placed:
    """A place for all nodes of a class; as attributes of each node, places would take half of its memory."""

    lineno: int = 1
    col_offset: int = 0
    end_lineno: int | None = 1
    end_col_offset: int | None = 0


class Assign(_Placed, ast.Assign): ...


class Attribute(_Placed, ast.Attribute): ...


class AugAssign(_Placed, ast.AugAssign): ...


class BinOp(_Placed, ast.BinOp): ...


class BoolOp(_Placed, ast.BoolOp): ...


class Call(_Placed, ast.Call): ...


class Compare(_Placed, ast.Compare): ...


class Constant(_Placed, ast.Constant): ...


class Dict(_Placed, ast.Dict): ...


class Expr(_Placed, ast.Expr): ...


class For(_Placed, ast.For): ...


class FunctionDef(_Placed, ast.FunctionDef): ...


class If(_Placed, ast.If): ...


class List(_Placed, ast.List): ...


class Name(_Placed, ast.Name): ...


class Return(_Placed, ast.Return): ...


class Set(_Placed, ast.Set): ...


class Subscript(_Placed, ast.Subscript): ...


class Try(_Placed, ast.Try): ...


class Tuple(_Placed, ast.Tuple): ...


class UnaryOp(_Placed, ast.UnaryOp): ...


class Yield(_Placed, ast.Yield): ...


class arg(_Placed, ast.arg): ...
