//! Filters and tests.

use minijinja::machinery::ast::{CallArg, Expr};

use super::types::{Type, integer, printed, size};
use super::{Checked, ESCAPED, Walk, fault, line};

/// How the arguments of a filter or a test are.
pub(super) struct Signature {
    name: &'static str,
    least: usize,
    most: usize,
}

const fn takes(name: &'static str, least: usize, most: usize) -> Signature {
    Signature { name, least, most }
}

/// The filters, with the number of their arguments.
const FILTERS: &[Signature] = &[
    takes("capitalize", 0, 0),
    takes("count", 0, 0),
    takes("d", 1, 1),
    takes("date", 0, 0),
    takes("default", 1, 1),
    takes("e", 0, 0),
    takes("escape", 0, 0),
    takes("first", 0, 0),
    takes("int", 0, 0),
    takes("isolate", 0, 0),
    takes("join", 0, 1),
    takes("last", 0, 0),
    takes("length", 0, 0),
    takes("lower", 0, 0),
    takes("number", 0, 0),
    takes("on_color", 0, 0),
    takes("replace", 2, 2),
    takes("string", 0, 0),
    takes("trim", 0, 0),
    takes("truncate", 1, 1),
    takes("upper", 0, 0),
    takes("urlencode", 0, 0),
];

/// The tests, with the number of their arguments.
pub(super) const TESTS: &[Signature] = &[
    takes("defined", 0, 0),
    takes("endingwith", 1, 1),
    takes("even", 0, 0),
    takes("none", 0, 0),
    takes("odd", 0, 0),
    takes("plain_name", 0, 0),
    takes("startingwith", 1, 1),
    takes("undefined", 0, 0),
];

impl<'t, 'a> Walk<'t, 'a> {
    /// Applies a chain of filters to what is piped into it, or to what it has at its start.
    pub(super) fn filter(&mut self, expr: &'t Expr<'a>, piped: Option<Type>) -> Checked<Type> {
        let Expr::Filter(filter) = expr else { return self.expr(expr) };
        let at = line(expr);
        let value = match (&filter.expr, piped) {
            (Some(inner), piped) => self.filter(inner, piped)?,
            (None, Some(piped)) => piped,
            (None, None) => return fault(at, "a filter needs a value before it"),
        };
        if filter.name == "safe" {
            return fault(at, "`safe` is not supported: HTML is always escaped");
        }
        known(FILTERS, filter.name, "filter", filter.args.len(), at)?;
        let mut args = Vec::new();
        for arg in &filter.args {
            args.push(self.argument(arg, at)?);
        }
        let result = self.filtered(filter.name, value.clone(), &args, &filter.args, at)?;
        let read = args.iter().filter_map(Type::printed).fold(size(&value), u64::saturating_add);
        self.spend(at, read.saturating_add(size(&result)))?;
        Ok(result)
    }

    pub(super) fn filtered(&self, name: &str, value: Type, args: &[Type], exprs: &[CallArg<'a>], at: usize) -> Checked<Type> {
        match (name, &value) {
            ("length" | "count", Type::Text(_) | Type::List(..)) => return Ok(Type::Number(1e9)),
            ("length" | "count", other) => return fault(at, format!("`{name}` needs a text or a list, this is {}", other.called())),
            ("first" | "last", Type::List(_, item)) => return Ok((**item).clone().or(Type::Text(0))),
            ("join", Type::List(most, item)) => {
                let separator = args.first().map_or(Ok(0), |separator| printed(separator, at))?;
                return Ok(Type::Text(printed(item, at)?.saturating_add(separator).saturating_mul(*most)));
            }
            ("join", other) => return fault(at, format!("`join` needs a list, this is {}", other.called())),
            ("default" | "d", _) => return Ok(value.or(args[0].clone())),
            _ => {}
        }
        let bytes = printed(&value, at)?;
        Ok(match name {
            "int" => Type::Number(1e15),
            "first" | "last" => Type::Text(4),
            "on_color" => Type::Text(7),
            "number" => Type::Text(bytes.saturating_mul(4)),
            "date" => Type::Text(bytes.max(256)),
            "isolate" => Type::Text(bytes + 6),
            "trim" | "string" => Type::Text(bytes),
            "e" | "escape" => Type::Text(bytes.saturating_mul(ESCAPED)),
            "replace" => {
                let to = printed(&args[1], at)?;
                printed(&args[0], at)?;
                Type::Text(bytes.saturating_add((bytes + 1).saturating_mul(to)))
            }
            "truncate" => match exprs.first() {
                Some(CallArg::Pos(Expr::Const(most))) if integer(&most.value).is_some_and(|most| (1..=10_000).contains(&most)) => {
                    let most = integer(&most.value).unwrap_or_default().unsigned_abs();
                    Type::Text(bytes.min(most.saturating_mul(4)).saturating_add(3))
                }
                _ => return fault(at, "`truncate` needs a number from 1 to 10000, written as one"),
            },
            // a letter may become three in another case, or be encoded as three characters
            _ => Type::Text(bytes.saturating_mul(3)),
        })
    }
}

/// Finds a filter or a test by its name, and checks the number of its arguments.
pub(super) fn known(table: &[Signature], name: &str, what: &str, args: usize, at: usize) -> Checked<()> {
    let Some(found) = table.iter().find(|signature| signature.name == name) else {
        return fault(at, format!("unknown {what} `{name}`"));
    };
    if (found.least..=found.most).contains(&args) {
        return Ok(());
    }
    let wanted = if found.least == found.most { found.most.to_string() } else { format!("{} or {}", found.least, found.most) };
    fault(at, format!("the {what} `{name}` takes {wanted} arguments"))
}
