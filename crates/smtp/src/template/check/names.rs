//! Names: of the variables of a mail, and of what a template defines.

use minijinja::machinery::ast::Expr;
use rally_domain::mail::MailKind;

use super::types::{Type, of};
use super::{Checked, Walk, fault, line};
use crate::template::variables::{kinds_with, variables_of};

impl<'t, 'a> Walk<'t, 'a> {
    pub(super) fn variable(&self, name: &str, at: usize) -> Checked<Type> {
        if let Some(value) = self.scopes.iter().rev().find_map(|scope| scope.get(name)) {
            return match value {
                Type::Unsure => fault(at, format!("`{name}` is not set in every case, or not always to the same kind of value")),
                known => Ok(known.clone()),
            };
        }
        if self.macro_named(name).is_some() {
            return fault(at, format!("`{name}` is a macro: call it, `{name}()`"));
        }
        for variable in variables_of(self.kind) {
            match variable.name.split_once('.') {
                None if variable.name == name => return Ok(of(variable.holds)),
                Some((group, _)) if group == name => return Ok(Type::Group(group)),
                _ => {}
            }
        }
        fault(at, self.unknown(name))
    }

    pub(super) fn unknown(&self, name: &str) -> String {
        let kinds: Vec<&str> = kinds_with(name).into_iter().map(MailKind::as_str).collect();
        match self.kind {
            Some(kind) if !kinds.is_empty() => {
                format!("unknown variable `{name}`: mail of kind {} does not have it, only {}", kind.as_str(), kinds.join(", "))
            }
            _ => format!("unknown variable `{name}`"),
        }
    }

    pub(super) fn attribute(&mut self, value: Type, name: &str, at: usize) -> Checked<Type> {
        match value {
            Type::Group(group) => {
                let full = format!("{group}.{name}");
                let found = variables_of(self.kind).find(|variable| variable.name == full);
                found.map_or_else(|| fault(at, self.unknown(&full)), |variable| Ok(of(variable.holds)))
            }
            Type::Loop => match name {
                "index" | "index0" | "revindex" | "revindex0" | "length" => Ok(Type::Number(1e6)),
                "first" | "last" => Ok(Type::Flag),
                _ => fault(at, format!("unknown variable `loop.{name}`")),
            },
            other => fault(at, format!("`.{name}` is unknown here: this is {}", other.called())),
        }
    }

    pub(super) fn macro_named(&self, name: &str) -> Option<usize> {
        self.macros.iter().position(|known| known.decl.name == name)
    }

    pub(super) fn target(&self, target: &Expr<'a>, reason: &str) -> Checked<&'a str> {
        let Expr::Var(var) = target else { return fault(line(target), reason) };
        self.is_free(var.id, line(target))?;
        Ok(var.id)
    }

    /// Refuses a name that means something else.
    pub(super) fn is_free(&self, name: &str, at: usize) -> Checked<()> {
        let of_the_mail = variables_of(None).any(|variable| variable.name.split('.').next() == Some(name));
        if of_the_mail || name == "range" || name == "loop" {
            return fault(at, format!("`{name}` has a meaning already: choose another name"));
        }
        if self.macro_named(name).is_some() {
            return fault(at, format!("`{name}` is a macro already: choose another name"));
        }
        Ok(())
    }
}
