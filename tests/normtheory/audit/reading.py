"""Reading formulas back: what a person would compute who has only the printed text, and the values of the letters."""

import re

import mpmath

DIGITS = 50
FUNCTIONS = {name: getattr(mpmath, name) for name in ("sinh", "cosh", "tanh", "exp", "log", "sin", "cos", "sign")}
FUNCTIONS |= {"arcsinh": mpmath.asinh, "arctan": mpmath.atan, "max": max, "min": min, "abs": abs}
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
WORDS = {r"\left": "", r"\right": "", r"\cdot": "·", r"\pi": "π", "- ": "− ", "-": "−"}  # of LaTeX
ROOTS = {"√": 2, "∛": 3, "∜": 4}


def value_of_text(text, values):
    """The value of a formula of the terminal, where names have values."""
    with mpmath.workdps(DIGITS):
        return _Formula(text.replace("\N{NO-BREAK SPACE}", " "), values | {"π": mpmath.pi}).value()


def value_of_latex(latex, values):
    """The value of a formula in LaTeX, where names have values."""
    with mpmath.workdps(DIGITS):
        letters = {chr(0xE000 + place): name for place, name in enumerate(sorted(values, key=len, reverse=True))}
        for letter, name in letters.items():  # names with braces of their own are single letters from here on
            latex = latex.replace(name, letter)
        return _Formula(
            _as_text(latex), {letter: values[name] for letter, name in letters.items()} | {"e": mpmath.e, "π": mpmath.pi}
        ).value()


class _Formula:
    """A formula, read from left to right.

    sum: products with + or − between them · product: factors side by side, and at most one fraction line after them, below
    which stands one factor · factor: a number, a name, a function's value, a root or a bracket, and its power.
    """

    def __init__(self, text, values):
        self.rest, self.values, self.inside_bars = text, values, False
        self.names = sorted(values, key=len, reverse=True)  # the longest name that fits is meant

    def value(self):
        found = self.sum()
        assert not self.rest, f"cannot read {self.rest!r}"
        return found

    def take(self, pattern):
        found = re.match(pattern, self.rest)
        if found:
            self.rest = self.rest[found.end() :]
        return found

    def sum(self):
        total = -self.product() if self.take("− ?") else self.product()
        while found := self.take(" ([+−]) "):
            total += self.product() if found[1] == "+" else -self.product()
        return total

    def product(self):
        found = self.factor()
        while not self.ends():
            self.take(" ?·? ?")
            found *= self.factor()
        return found / self.factor() if self.take("/") else found

    def ends(self):
        if re.match(r" ?$| [+−] | ?[/,)]", self.rest):
            return True
        return self.inside_bars and self.rest.lstrip()[0] == "|" and not self.rest.lstrip().startswith(tuple(self.names))

    def factor(self):
        found = self.base()
        if power := self.take("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+"):
            return found ** int(power[0].translate(SUPERSCRIPTS))
        if self.take(r"\^\("):
            return found ** self.until(")", self.sum)
        return found ** self.base() if self.take(r"\^") else found

    def base(self):
        if number := self.take(r"\d+(\.\d+)?"):
            return mpmath.mpf(number[0])
        for name in self.names:
            if self.rest.startswith(name):
                self.rest = self.rest[len(name) :]
                return self.values[name]
        if root := self.take("[√∛∜]"):
            return mpmath.root(self.base(), ROOTS[root[0]])
        if function := self.take(r"([a-z]+)([⁰¹²³⁴⁵⁶⁷⁸⁹]*)\("):
            values = [self.sum()]
            while self.take(", ?"):
                values.append(self.sum())
            return self.until(")", lambda: FUNCTIONS[function[1]](*values)) ** int(function[2].translate(SUPERSCRIPTS) or 1)
        if self.take(r"\("):
            return self.until(")", self.sum)
        assert self.take(r"\|"), f"cannot read {self.rest!r}"
        self.inside_bars = True
        found = abs(self.until("|", self.sum))
        self.inside_bars = False
        return found

    def until(self, end, read):
        found = read()
        assert self.take(" ?" + re.escape(end)), f"no {end} in {self.rest!r}"
        return found


def _as_text(latex):
    """LaTeX in the form of the terminal."""
    found = ""
    while latex:
        command = re.match(r"\\(?:left|right)|\\cdot|\\sqrt(?:\[(\d)\])?|\\frac|\\operatorname|\\([a-z]+)|\^|- |.", latex)
        latex, word = latex[command.end() :], command[0]
        if word == r"\frac":
            above, below, latex = *_groups(latex, 2), _after(latex, 2)
            found += f"(({_as_text(above)})/({_as_text(below)}))"
        elif word.startswith(r"\sqrt"):
            found += f"(({_as_text(*_groups(latex, 1))})^(1/{command[1] or 2}))"
            latex = _after(latex, 1)
        elif word in ("^", r"\operatorname", "{"):
            latex = "{" + latex if word == "{" else latex
            inside, latex = _as_text(*_groups(latex, 1)), _after(latex, 1)
            found += f"^({inside})" if word == "^" else inside
        else:
            found += WORDS.get(word, command[2] or word)
    # a power before the argument, sinh^(2)(x), belongs to the value
    return re.sub(r"([a-z]{3,})\^\((\d)\)(?=\()", lambda power: power[1] + "⁰¹²³⁴⁵⁶⁷⁸⁹"[int(power[2])], found)


def _groups(latex, count):
    """The insides of the first groups in braces."""
    return [latex[start + 1 : end - 1] for start, end in _spans(latex, count)]


def _after(latex, count):
    return latex[_spans(latex, count)[-1][1] :]


def _spans(latex, count):
    spans, start, depth = [], 0, 0
    for place, sign in enumerate(latex, 1):
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            spans.append((start, place))
            start = place
        if len(spans) == count:
            return spans
    raise AssertionError(f"a brace is not closed in {latex!r}")
