//! Arithmetic as people write it: `min(a, 8) * 2 + 1`.

/// Brackets within brackets, and signs before signs, deeper than this are refused: they would overflow the stack.
const MOST_DEPTH: usize = 100;

/// Expressions are short. This also bounds how deep a chain like `1 + 1 + …` goes, which is walked recursively.
const MOST_BYTES: usize = 1000;

/// The functions there are, for messages.
const FUNCTIONS: &str = "abs, ceil, cos, exp, floor, ln, max, min, round, sin, sqrt";

/// An expression, ready to be evaluated.
#[derive(Debug)]
pub(super) enum Expression {
    Number(f64),
    /// By its place among the variables.
    Variable(usize),
    Negative(Box<Expression>),
    Binary(char, Box<Expression>, Box<Expression>),
    Call(Function, Vec<Expression>),
}

type Function = fn(&[f64]) -> f64;

impl Expression {
    /// Reads an expression in which `variables` may be named.
    ///
    /// # Errors
    /// It is not one; the message says what is wrong and at which character.
    pub(super) fn parse(text: &str, variables: &[&str]) -> Result<Self, String> {
        if text.len() > MOST_BYTES {
            return Err(format!("the expression is longer than {MOST_BYTES} bytes"));
        }
        let mut parser = Parser { text, at: 0, depth: 0, variables };
        let expression = parser.sum()?;
        match parser.peek() {
            None => Ok(expression),
            Some(c) => Err(parser.problem(&format!("`{c}` is not expected"))),
        }
    }

    /// Its value. Variables that have none make it an error, which names them.
    pub(super) fn value(&self, variables: &[Option<f64>]) -> Result<f64, usize> {
        Ok(match self {
            Expression::Number(number) => *number,
            Expression::Variable(index) => variables.get(*index).copied().flatten().ok_or(*index)?,
            Expression::Negative(inner) => -inner.value(variables)?,
            Expression::Binary(operator, left, right) => {
                let (left, right) = (left.value(variables)?, right.value(variables)?);
                match operator {
                    '+' => left + right,
                    '-' => left - right,
                    '*' => left * right,
                    '/' => left / right,
                    // The remainder has the sign of the divisor, as in mathematics: −1 % 8 = 7.
                    '%' => left - right * (left / right).floor(),
                    _ => left.powf(right),
                }
            }
            Expression::Call(function, arguments) => {
                let arguments =
                    arguments.iter().map(|argument| argument.value(variables)).collect::<Result<Vec<_>, _>>()?;
                function(&arguments)
            }
        })
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    variables: &'a [&'a str],
}

impl Parser<'_> {
    /// The next character that is no blank.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    fn take(&mut self, wanted: &[char]) -> Option<char> {
        let found = self.peek().filter(|c| wanted.contains(c))?;
        self.at += found.len_utf8();
        Some(found)
    }

    fn problem(&self, what: &str) -> String {
        format!("{what} (character {} of the expression)", self.text[..self.at].chars().count() + 1)
    }

    /// Runs `inner` one level deeper.
    fn nested(&mut self, inner: fn(&mut Self) -> Result<Expression, String>) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(self.problem("it is nested too deeply"));
        }
        let expression = inner(self);
        self.depth -= 1;
        expression
    }

    fn sum(&mut self) -> Result<Expression, String> {
        let mut left = self.product()?;
        while let Some(operator) = self.take(&['+', '-']) {
            left = Expression::Binary(operator, Box::new(left), Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expression, String> {
        let mut left = self.signed()?;
        while let Some(operator) = self.take(&['*', '/', '%']) {
            left = Expression::Binary(operator, Box::new(left), Box::new(self.signed()?));
        }
        Ok(left)
    }

    /// The sign binds less than the power: −2 ^ 2 = −4.
    fn signed(&mut self) -> Result<Expression, String> {
        if self.take(&['-']).is_some() {
            return Ok(Expression::Negative(Box::new(self.nested(Self::signed)?)));
        }
        let base = self.atom()?;
        if self.take(&['^']).is_none() {
            return Ok(base);
        }
        Ok(Expression::Binary('^', Box::new(base), Box::new(self.nested(Self::signed)?)))
    }

    fn atom(&mut self) -> Result<Expression, String> {
        match self.peek() {
            Some('(') => {
                self.take(&['(']);
                let inner = self.nested(Self::sum)?;
                self.close()?;
                Ok(inner)
            }
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_alphabetic() => self.name(),
            Some(c) => Err(self.problem(&format!("a number or a name is expected, not `{c}`"))),
            None => Err(self.problem("it ends where a number or a name is expected")),
        }
    }

    fn close(&mut self) -> Result<(), String> {
        self.take(&[')']).map(|_| ()).ok_or_else(|| self.problem("`)` is missing"))
    }

    fn number(&mut self) -> Result<Expression, String> {
        let rest = &self.text[self.at..];
        let mut length = 0;
        for c in rest.chars() {
            let after_exponent = rest[..length].ends_with(['e', 'E']);
            if !(c.is_ascii_digit() || c == '.' || c == 'e' || c == 'E' || after_exponent && (c == '-' || c == '+')) {
                break;
            }
            length += c.len_utf8();
        }
        let number =
            rest[..length].parse().map_err(|_| self.problem(&format!("`{}` is no number", &rest[..length])))?;
        self.at += length;
        Ok(Expression::Number(number))
    }

    fn name(&mut self) -> Result<Expression, String> {
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = &rest[..length];
        if let Some(index) = self.variables.iter().position(|variable| *variable == name) {
            self.at += length;
            return Ok(Expression::Variable(index));
        }
        if name == "pi" {
            self.at += length;
            return Ok(Expression::Number(std::f64::consts::PI));
        }
        let (function, arity) = function(name).ok_or_else(|| {
            let variables = self.variables.join(", ");
            self.problem(&format!("there is no `{name}`; there are {variables}, pi and the functions {FUNCTIONS}"))
        })?;
        self.at += length;
        let arguments = self.arguments(name)?;
        if arguments.len() != arity {
            return Err(self.problem(&format!("`{name}` takes {arity} number(s), not {}", arguments.len())));
        }
        Ok(Expression::Call(function, arguments))
    }

    fn arguments(&mut self, name: &str) -> Result<Vec<Expression>, String> {
        self.take(&['(']).ok_or_else(|| self.problem(&format!("`(` is missing after `{name}`")))?;
        let mut arguments = vec![self.nested(Self::sum)?];
        while self.take(&[',']).is_some() {
            arguments.push(self.nested(Self::sum)?);
        }
        self.close()?;
        Ok(arguments)
    }
}

/// A function and how many numbers it takes.
fn function(name: &str) -> Option<(Function, usize)> {
    Some(match name {
        "abs" => (|x| x[0].abs(), 1),
        "ceil" => (|x| x[0].ceil(), 1),
        "cos" => (|x| x[0].cos(), 1),
        "exp" => (|x| x[0].exp(), 1),
        "floor" => (|x| x[0].floor(), 1),
        "ln" => (|x| x[0].ln(), 1),
        "max" => (|x| extreme(x, f64::max), 2),
        "min" => (|x| extreme(x, f64::min), 2),
        "round" => (|x| x[0].round(), 1),
        "sin" => (|x| x[0].sin(), 1),
        "sqrt" => (|x| x[0].sqrt(), 1),
        _ => return None,
    })
}

/// The larger or smaller of two numbers. Of one that is none, what `f64` has would give the other, and nobody would notice.
fn extreme(x: &[f64], of_numbers: fn(f64, f64) -> f64) -> f64 {
    if x[0].is_nan() || x[1].is_nan() { f64::NAN } else { of_numbers(x[0], x[1]) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;

    fn value(text: &str) -> f64 {
        let expression = Expression::parse(text, &["a", "b"]).unwrap_or_else(|problem| panic!("{text}: {problem}"));
        expression.value(&[Some(3.0), Some(-0.5)]).unwrap()
    }

    #[test]
    fn operators_bind_as_in_mathematics() {
        let cases = [
            ("1 + 2 * a", 7.0),
            ("(1 + 2) * a", 9.0),
            ("10 - 4 - 3", 3.0),
            ("8 / 4 / 2", 1.0),
            ("2 ^ 3 ^ 2", 512.0),
            ("-2 ^ 2", -4.0),
            ("2 ^ -1", 0.5),
            ("--a", 3.0),
            ("-1 % 8", 7.0),
            ("a*b", -1.5),
            ("1e3 + 2.5E-1 + .5", 1000.75),
            ("max(a, min(9, 7)) + abs(b) + round(2.5)", 10.5),
            ("sqrt(16) + floor(1.9) + ceil(1.1)", 7.0),
            ("  cos ( pi )  ", -1.0),
            ("ln(exp(2)) + sin(0)", 2.0),
        ];
        for (text, wanted) in cases {
            assert_eq!(value(text), wanted, "{text}");
        }
    }

    #[test]
    fn no_function_hides_what_is_no_number() {
        for text in ["max(sqrt(b), 1)", "max(1, sqrt(b))", "min(ln(b), a)", "min(a, ln(b))", "abs(0 / 0)"] {
            assert!(value(text).is_nan(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let cases = [
            ("", "it ends where a number or a name is expected (character 1"),
            ("1 +", "it ends where a number or a name is expected (character 4"),
            ("1 2", "`2` is not expected (character 3"),
            ("(1", "`)` is missing (character 3"),
            ("ü + x", "there is no `ü`"),
            ("a + sqr(2)", "there is no `sqr`; there are a, b, pi and the functions abs"),
            ("min(1)", "`min` takes 2 number(s), not 1"),
            ("sqrt 2", "`(` is missing after `sqrt`"),
            ("1.2.3", "`1.2.3` is no number"),
            ("* 2", "not `*` (character 1"),
            ("a $ b", "`$` is not expected"),
        ];
        for (text, wanted) in cases {
            let problem = Expression::parse(text, &["a", "b"]).expect_err(text);
            assert!(problem.contains(wanted), "{text}: {problem}");
        }
    }

    #[test]
    fn a_variable_without_a_value_is_named() {
        let expression = Expression::parse("a + b", &["a", "b"]).unwrap();
        assert_eq!(expression.value(&[Some(1.0), None]), Err(1));
        assert_eq!(expression.value(&[]), Err(0));
    }

    #[test]
    fn deep_nesting_is_refused() {
        for text in ["(".repeat(500), "-".repeat(500), "2^".repeat(400), "abs(".repeat(200)] {
            let problem = Expression::parse(&text, &[]).expect_err("too deep");
            assert!(problem.contains("nested too deeply"), "{problem}");
        }
        assert!(Expression::parse(&"1+".repeat(MOST_BYTES), &[]).expect_err("too long").contains("longer than"));
        let chain = format!("1{}", "+1".repeat(400));
        assert_eq!(value(&chain), 401.0, "a long chain is no nesting");
    }
}
