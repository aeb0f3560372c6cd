"""``tf.compat.v1.flags``: flags of the command line, ``--name=value``, as programs of TensorFlow 1.x define them.

``FLAGS`` reads ``sys.argv`` when a program first asks for a flag, unless ``FLAGS(argv)`` or ``app.run`` did so before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from minitf.environment.flag_kinds import Boolean, Choice, Float, Integer, Kind, Listed, Text

__all__ = [
    "DEFINE_alias", "DEFINE_bool", "DEFINE_boolean", "DEFINE_enum", "DEFINE_float", "DEFINE_integer", "DEFINE_list",
    "DEFINE_multi_float", "DEFINE_multi_integer", "DEFINE_multi_string", "DEFINE_string", "DuplicateFlagError", "Error",
    "Flag", "FlagHolder", "FLAGS", "FlagValues", "IllegalFlagValueError", "mark_flag_as_required",
    "mark_flags_as_required", "register_validator", "set_default", "UnparsedFlagAccessError", "UnrecognizedFlagError",
    "validator",
]  # fmt: skip


class Error(Exception):
    """Base class of the errors of flags."""


class DuplicateFlagError(Error):
    """A flag of that name is defined already."""


class IllegalFlagValueError(Error):
    """A flag cannot have that value."""


class UnrecognizedFlagError(Error):
    """The command line has a flag that nobody defined."""

    def __init__(self, flagname: str, flagvalue: Any = "", suggestions: Sequence[str] = ()):
        self.flagname, self.flagvalue = flagname, flagvalue
        tip = f". Did you mean: {', '.join(suggestions)} ?" if suggestions else ""
        super().__init__(f"Unknown command line flag '{flagname}'{tip}")


class UnparsedFlagAccessError(Error):
    """A flag was asked for before the command line was read."""


class Flag:
    """A flag: its ``name``, ``help``, ``default``, ``value``, and whether the command line gave it (``present``)."""

    def __init__(self, name: str, kind: Kind, default: Any, help: str | None, many: bool = False):
        self.name, self.kind, self.help, self.many = name, kind, help, many
        self.present = 0
        self.default: Any = None if default is None else self._first(default)
        self.value: Any = self.default

    def _first(self, default: Any) -> Any:
        if not self.many:
            return self.read(default)
        return [self.read(item) for item in (default if isinstance(default, (list, tuple)) else [default])]

    def read(self, given: Any) -> Any:
        """The value that a text, or a value, stands for. Raises IllegalFlagValueError."""
        try:
            return self.kind.read(given)
        except (TypeError, ValueError) as error:
            raise IllegalFlagValueError(f"flag --{self.name}={given}: {error}") from None

    def parse(self, text: Any) -> None:
        """Takes what the command line says; a flag that may come several times collects it."""
        value = self.read(text)
        if self.many:
            self.value = [*(self.value if self.present else ()), value]
        else:
            self.value = value
        self.present += 1

    def unparse(self) -> None:
        """Goes back to the default."""
        self.value, self.present = self.default, 0


class FlagHolder:
    """What defining a flag gives: its ``value`` once the command line was read."""

    def __init__(self, flags: FlagValues, flag: Flag, name: str):
        self._flags, self._flag, self.name = flags, flag, name

    @property
    def value(self) -> Any:
        """The flag's value."""
        return getattr(self._flags, self.name)

    @property
    def default(self) -> Any:
        """The flag's default."""
        return self._flag.default

    @property
    def present(self) -> bool:
        """True if the command line gave it."""
        return bool(self._flag.present)


class FlagValues:
    """Flags by name: ``flags(argv)`` reads a command line, ``flags.name`` is a value, ``flags["name"]`` the ``Flag``."""

    _flags: dict[str, Flag]
    _checks: list[tuple[tuple[str, ...], Callable[[Any], Any], str]]
    _parsed: bool

    def __init__(self, reads: Callable[[], Sequence[str]] | None = None):
        for name, value in (("_flags", {}), ("_checks", []), ("_parsed", False), ("_reads", reads)):
            object.__setattr__(self, name, value)

    # -- defining --------------------------------------------------------------------------------------------------------------

    def __setitem__(self, name: str, flag: Flag) -> None:
        """Defines a flag. Raises DuplicateFlagError if there is another of the name."""
        if name in self._flags and self._flags[name] is not flag:
            raise DuplicateFlagError(f"The flag '{name}' is defined twice.")
        self._flags[name] = flag

    def add_check(self, name: str, check: Callable[[Any], Any], message: str) -> None:
        """From now on the flag may only have values for which the function gives something true."""
        self[name]
        self._checks.append(((name,), check, message))

    def __delattr__(self, name: str) -> None:
        del self._flags[name]

    # -- asking ----------------------------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Flag:
        return self._flags[name]

    def __contains__(self, name: object) -> bool:
        return name in self._flags

    def __iter__(self) -> Iterator[str]:
        return iter(self._flags)

    def __len__(self) -> int:
        return len(self._flags)

    def __dir__(self) -> list[str]:
        return sorted(self._flags)

    def __getattr__(self, name: str) -> Any:
        if name not in self._flags:
            raise AttributeError(name)
        if not self._parsed:
            reads = self.__dict__["_reads"]
            if reads is None:
                raise UnparsedFlagAccessError(f"Trying to access flag --{name} before flags were parsed.")
            self(reads())
        return self._flags[name].value

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._flags:
            raise UnrecognizedFlagError(name, value, self._like(name))
        flag = self._flags[name]
        before, flag.value = flag.value, value
        try:
            self._check(name)
        except Exception:
            flag.value = before
            raise

    def flag_values_dict(self) -> dict[str, Any]:
        """All values by name."""
        return {name: flag.value for name, flag in self._flags.items()}

    def is_parsed(self) -> bool:
        """True once a command line was read."""
        return self._parsed

    def mark_as_parsed(self) -> None:
        """Says that there is no command line to read."""
        object.__setattr__(self, "_parsed", True)

    def unparse_flags(self) -> None:
        """Forgets the command line; values are the defaults."""
        for flag in self._flags.values():
            flag.unparse()
        object.__setattr__(self, "_parsed", False)

    def set_default(self, name: str, value: Any) -> None:
        """Changes a default, and the value unless the command line gave it."""
        flag = self._flags[name]
        flag.default = None if value is None else flag._first(value)
        if not flag.present:
            flag.value = flag.default

    # -- reading ---------------------------------------------------------------------------------------------------------------

    def __call__(self, argv: Sequence[str], known_only: bool = False) -> list[str]:
        """Reads a command line, whose first word is the program; gives what are no flags, with the program in front.

        Flags end at ``--``. Raises UnrecognizedFlagError, unless ``known_only``; IllegalFlagValueError; Error for a flag
        without its value; ValueError for an empty list.
        """
        if not argv:
            raise ValueError("A command line has at least the program's name.")
        rest, words, unknown = [], list(argv[1:]), []
        while words:
            word = words.pop(0)
            if word == "--":
                break
            if not word.startswith("-") or word == "-":
                rest.append(word)
                continue
            name, equals, value = word.lstrip("-").partition("=")
            flag, off = self._found(name)
            if flag is None:
                unknown.append((name, value))
                rest.append(word)
            elif off and equals:
                raise ValueError(f"{word} does not take a value.")
            elif isinstance(flag.kind, Boolean):
                flag.parse("false" if off else value if equals else "true")
            elif equals:
                flag.parse(value)
            elif words:
                flag.parse(words.pop(0))
            else:
                raise Error(f"Missing value for flag {word}")
        if unknown and not known_only:
            name, value = unknown[0]
            raise UnrecognizedFlagError(name, value, self._like(name))
        self.mark_as_parsed()
        for name in self._flags:
            self._check(name)
        return [argv[0], *rest, *words]

    def _found(self, name: str) -> tuple[Flag | None, bool]:
        if name in self._flags:
            return self._flags[name], False
        switched = self._flags.get(name.removeprefix("no")) if name.startswith("no") else None
        return (switched, True) if switched is not None and isinstance(switched.kind, Boolean) else (None, False)

    def _like(self, name: str) -> list[str]:
        from difflib import get_close_matches

        return get_close_matches(name, self._flags)

    def _check(self, name: str) -> None:
        value = self._flags[name].value
        for names, check, message in self._checks:
            if name in names and not check(value):
                raise IllegalFlagValueError(f"flag --{name}={value}: {message}")

    def get_help(self) -> str:
        """A text with all flags, their help and their defaults."""
        lines = []
        for name, flag in sorted(self._flags.items()):
            usual = "no default" if flag.default is None else f"default: {flag.default!r}"
            lines.append(f"  --{name}: {flag.help or '(no help)'}\n    ({usual})")
        return "\n".join(lines)


FLAGS = FlagValues(reads=lambda: sys.argv)


# -- kinds of flags ------------------------------------------------------------------------------------------------------------


def _define(kind: Kind, name: str, default: Any, help: str | None, flags: FlagValues, required: bool,
            many: bool = False) -> FlagHolder:  # fmt: skip
    if required and default is not None:
        raise ValueError(f"A flag that is required has no default, but --{name} has {default!r}.")
    flag = Flag(name, kind, default, help, many)
    flags[name] = flag
    if kind.bounds:
        flags.add_check(name, lambda value: value is None or all(map(kind.fits, value if many else [value])), kind.bounds)
    if required:
        mark_flag_as_required(name, flags)
    return FlagHolder(flags, flag, name)


def DEFINE_string(name: str, default: Any, help: str | None, flag_values: FlagValues = FLAGS,
                  required: bool = False) -> FlagHolder:  # fmt: skip
    """A flag that is a text."""
    return _define(Text(), name, default, help, flag_values, required)


def DEFINE_integer(name: str, default: Any, help: str | None, lower_bound: int | None = None, upper_bound: int | None = None,
                   flag_values: FlagValues = FLAGS, required: bool = False) -> FlagHolder:  # fmt: skip
    """A flag that is an integer, between bounds if there are."""
    return _define(Integer(lower_bound, upper_bound), name, default, help, flag_values, required)


def DEFINE_float(name: str, default: Any, help: str | None, lower_bound: float | None = None, upper_bound: float | None = None,
                 flag_values: FlagValues = FLAGS, required: bool = False) -> FlagHolder:  # fmt: skip
    """A flag that is a float, between bounds if there are."""
    return _define(Float(lower_bound, upper_bound), name, default, help, flag_values, required)


def DEFINE_boolean(name: str, default: Any, help: str | None, flag_values: FlagValues = FLAGS, module_name: str | None = None,
                   required: bool = False) -> FlagHolder:  # fmt: skip
    """A flag that is on (``--name``) or off (``--noname``)."""
    return _define(Boolean(), name, default, help, flag_values, required)


DEFINE_bool = DEFINE_boolean


def DEFINE_enum(name: str, default: Any, enum_values: Sequence[str], help: str | None, flag_values: FlagValues = FLAGS,
                module_name: str | None = None, required: bool = False, case_sensitive: bool = True) -> FlagHolder:  # fmt: skip
    """A flag that is one of some texts."""
    return _define(Choice(enum_values, case_sensitive), name, default, help, flag_values, required)


def DEFINE_list(name: str, default: Any, help: str | None, flag_values: FlagValues = FLAGS,
                required: bool = False) -> FlagHolder:  # fmt: skip
    """A flag that is a list of texts, with commas between them."""
    return _define(Listed(), name, default, help, flag_values, required)


def DEFINE_multi_string(name: str, default: Any, help: str | None, flag_values: FlagValues = FLAGS,
                        required: bool = False) -> FlagHolder:  # fmt: skip
    """A text flag that may come several times: a list."""
    return _define(Text(), name, default, help, flag_values, required, many=True)


def DEFINE_multi_integer(name: str, default: Any, help: str | None, lower_bound: int | None = None,
                         upper_bound: int | None = None, flag_values: FlagValues = FLAGS,
                         required: bool = False) -> FlagHolder:  # fmt: skip
    """An integer flag that may come several times: a list."""
    return _define(Integer(lower_bound, upper_bound), name, default, help, flag_values, required, many=True)


def DEFINE_multi_float(name: str, default: Any, help: str | None, lower_bound: float | None = None,
                       upper_bound: float | None = None, flag_values: FlagValues = FLAGS,
                       required: bool = False) -> FlagHolder:  # fmt: skip
    """A float flag that may come several times: a list."""
    return _define(Float(lower_bound, upper_bound), name, default, help, flag_values, required, many=True)


def DEFINE_alias(name: str, original_name: str, flag_values: FlagValues = FLAGS, module_name: str | None = None) -> FlagHolder:
    """Another name for a flag. Raises UnrecognizedFlagError if there is no such flag."""
    if original_name not in flag_values:
        raise UnrecognizedFlagError(original_name)
    if name in flag_values:
        raise DuplicateFlagError(f"The flag '{name}' is defined twice.")
    flag_values[name] = flag_values[original_name]
    return FlagHolder(flag_values, flag_values[original_name], name)


# -- checks --------------------------------------------------------------------------------------------------------------------


def register_validator(flag_name: str, checker: Callable[[Any], Any], message: str = "Flag validation failed",
                       flag_values: FlagValues = FLAGS) -> None:  # fmt: skip
    """Values for which ``checker`` gives nothing true raise IllegalFlagValueError with the message."""
    flag_values.add_check(flag_name, checker, message)


def validator(flag_name: str, message: str = "Flag validation failed", flag_values: FlagValues = FLAGS) -> Any:
    """``register_validator`` as a decorator."""

    def decorate(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        register_validator(flag_name, function, message, flag_values)
        return function

    return decorate


def mark_flag_as_required(flag_name: str, flag_values: FlagValues = FLAGS) -> None:
    """A command line without the flag raises IllegalFlagValueError, if its default is None."""
    message = f"Flag --{flag_name} must have a value other than None."
    register_validator(flag_name, lambda value: value is not None, message, flag_values)


def mark_flags_as_required(flag_names: Sequence[str], flag_values: FlagValues = FLAGS) -> None:
    """``mark_flag_as_required`` for several."""
    for name in flag_names:
        mark_flag_as_required(name, flag_values)


def set_default(flag_holder: FlagHolder, value: Any) -> None:
    """Changes the default of a flag."""
    flag_holder._flags.set_default(flag_holder.name, value)
