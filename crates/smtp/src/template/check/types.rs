//! What a value of a template can be at most.

use minijinja::value::Value;

use super::{Checked, fault};
use crate::template::variables::Holds;

/// The largest number that a template may arrive at. The engine counts with 128 bits.
const MAX_NUMBER: f64 = 1e38;
/// The most bytes of a number that is printed.
const NUMBER: u64 = 64;
/// What is larger is as good as endless. Sums and small multiples of it fit into 64 bits.
const ENDLESS: u64 = 1 << 40;

/// What a value can be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Type {
    /// A text with at most this many bytes.
    Text(u64),
    /// A number not farther from zero than this.
    Number(f64),
    /// True or false.
    Flag,
    /// A text, a number or a flag; at most this many bytes if it is printed.
    Plain(u64),
    /// At most this many items.
    List(u64, Box<Type>),
    /// Variables with a common start of their names.
    Group(&'static str),
    /// What tells of the turns of a loop.
    Loop,
    /// Different things in different cases, or nothing in some.
    Unsure,
}

impl Type {
    /// The most bytes of the value if it is printed, or nothing if it cannot be printed.
    pub(super) fn printed(&self) -> Option<u64> {
        match self {
            Self::Text(most) | Self::Plain(most) => Some((*most).min(ENDLESS)),
            Self::Number(_) => Some(NUMBER),
            Self::Flag => Some(5),
            Self::List(..) | Self::Group(_) | Self::Loop | Self::Unsure => None,
        }
    }

    /// What a value is that is one or the other.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Text(one), Self::Text(other)) => Self::Text(one.max(other)),
            (Self::Number(one), Self::Number(other)) => Self::Number(one.max(other)),
            (Self::List(one, item), Self::List(other, other_item)) => Self::List(one.max(other), Box::new(item.or(*other_item))),
            (one, other) => match (one.printed(), other.printed()) {
                (Some(one), Some(other)) => Self::Plain(one.max(other)),
                _ => Self::Unsure,
            },
        }
    }

    /// What the value is called in a message.
    pub(super) fn called(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Flag => "true or false",
            Self::Plain(_) => "a text or a number",
            Self::List(..) => "a list",
            Self::Group(_) => "a group of variables",
            Self::Loop => "the state of a loop",
            Self::Unsure => "not the same in all cases",
        }
    }
}

pub(super) fn of(holds: Holds) -> Type {
    match holds {
        Holds::Text(most) => Type::Text(u64::from(most)),
        Holds::Number => Type::Number(i64::MAX as f64),
    }
}

pub(super) fn size(value: &Type) -> u64 {
    match value {
        Type::List(most, item) => most.saturating_mul(size(item).saturating_add(64)),
        other => other.printed().unwrap_or_default(),
    }
}

pub(super) fn printed(value: &Type, at: usize) -> Checked<u64> {
    value.printed().map_or_else(|| fault(at, format!("a text or a number is needed here, this is {}", value.called())), Ok)
}

pub(super) fn number(most: f64, at: usize) -> Checked<Type> {
    if most.abs() <= MAX_NUMBER { Ok(Type::Number(most.abs())) } else { fault(at, "this number can become too large") }
}

pub(super) fn integer(value: &Value) -> Option<i64> {
    value.is_integer().then(|| i64::try_from(value.clone()).ok()).flatten()
}

pub(super) fn not_a_number(sign: &str, value: &Type) -> String {
    let hint = if sign == "+" { ": texts are joined by `~`" } else { ": the filter `int` makes a number of a text" };
    format!("`{sign}` needs numbers, this is {}{hint}", value.called())
}
