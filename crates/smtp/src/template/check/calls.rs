//! Calls of macros and of `range`.

use std::collections::HashMap;

use minijinja::machinery::ast::{Call, CallArg, Expr};

use super::types::{Type, integer};
use super::{CALL_DEPTH, Checked, MAX_RANGE, Walk, fault};

impl<'t, 'a> Walk<'t, 'a> {
    /// Looks into the macros that nothing calls, for names that are unknown.
    pub(super) fn uncalled_macros(&mut self) -> Checked<()> {
        for index in 0..self.macros.len() {
            if !self.macros[index].called {
                let (cost, output) = (self.cost, self.output);
                let given = self.macros[index].decl.args.iter().map(|_| None).collect();
                self.call_macro(index, self.macros[index].line, given)?;
                (self.cost, self.output) = (cost, output);
            }
        }
        Ok(())
    }

    pub(super) fn call(&mut self, call: &'t Call<'a>, at: usize) -> Checked<Type> {
        let name = match &call.expr {
            Expr::Var(var) => var.id,
            Expr::GetAttr(get) => return fault(at, format!("`.{0}()` is not supported: use filters, such as `|{0}`", get.name)),
            _ => return fault(at, "only `range` and macros can be called"),
        };
        if self.scopes.iter().any(|scope| scope.contains_key(name)) {
            return fault(at, format!("`{name}` is a variable: it cannot be called"));
        }
        if name == "range" {
            return self.range(call, at);
        }
        let Some(index) = self.macro_named(name) else {
            return fault(at, format!("unknown function `{name}`: there are `range` and the macros defined before"));
        };
        if index >= self.visible {
            return fault(at, format!("`{name}` cannot be called here: a macro calls neither itself nor a macro after it"));
        }
        let decl = self.macros[index].decl;
        let mut given: Vec<Option<Type>> = decl.args.iter().map(|_| None).collect();
        let mut positional = 0;
        for arg in &call.args {
            let (place, value) = match arg {
                CallArg::Pos(expr) => {
                    positional += 1;
                    (Some(positional - 1).filter(|place| *place < given.len()), self.expr(expr)?)
                }
                CallArg::Kwarg(name, expr) => {
                    (decl.args.iter().position(|arg| matches!(arg, Expr::Var(var) if var.id == *name)), self.expr(expr)?)
                }
                CallArg::PosSplat(_) | CallArg::KwargSplat(_) => return fault(at, "`*` before an argument is not supported"),
            };
            match place {
                Some(place) if given[place].is_none() => given[place] = Some(value),
                Some(_) => return fault(at, format!("an argument of `{name}` is given twice")),
                None => return fault(at, format!("`{name}` has no such argument")),
            }
        }
        let needed = decl.args.len() - decl.defaults.len();
        if given[..needed].iter().any(Option::is_none) {
            return fault(at, format!("an argument of `{name}` is missing"));
        }
        let bytes = self.call_macro(index, at, given)?;
        Ok(Type::Text(bytes))
    }

    /// Walks the body of a macro with its arguments. What is not given is its default, else a short text.
    pub(super) fn call_macro(&mut self, index: usize, at: usize, given: Vec<Option<Type>>) -> Checked<u64> {
        self.macros[index].called = true;
        let decl = self.macros[index].decl;
        let needed = decl.args.len() - decl.defaults.len();
        let mut arguments = HashMap::new();
        for (place, (arg, given)) in decl.args.iter().zip(given).enumerate() {
            let name = self.target(arg, "an argument of a macro is a name")?;
            let value = match (given, place.checked_sub(needed)) {
                (Some(given), _) => given,
                (None, Some(default)) => {
                    let Expr::Const(constant) = &decl.defaults[default] else {
                        return fault(at, "the default of an argument is a text, a number, true or false");
                    };
                    self.constant(&constant.value, at)?
                }
                (None, None) => Type::Text(32),
            };
            arguments.insert(name, value);
        }
        // a macro sees its arguments, the macros before it and the variables of the mail
        let scopes = std::mem::take(&mut self.scopes);
        let (visible, depth) = (self.visible, self.depth);
        (self.visible, self.depth) = (index, depth + scopes.len() + CALL_DEPTH);
        self.enter(arguments, at)?;
        let bytes = self.captured(&decl.body)?;
        (self.scopes, self.visible, self.depth) = (scopes, visible, depth);
        self.spend(at, bytes)?;
        Ok(bytes)
    }

    pub(super) fn range(&mut self, call: &'t Call<'a>, at: usize) -> Checked<Type> {
        let mut numbers = Vec::new();
        for arg in &call.args {
            match arg {
                CallArg::Pos(Expr::Const(constant)) => numbers.extend(integer(&constant.value)),
                _ => return fault(at, "`range` needs whole numbers, written as such"),
            }
        }
        if numbers.len() != call.args.len() || numbers.iter().any(|number| !(0..=1_000_000).contains(number)) {
            return fault(at, "`range` needs whole numbers from 0 to 1000000");
        }
        let (from, to, step) = match *numbers {
            [to] => (0, to, 1),
            [from, to] => (from, to, 1),
            [from, to, step] if step > 0 => (from, to, step),
            _ => return fault(at, "`range` needs one to three numbers, and a step above 0"),
        };
        let turns = (to - from).max(0).div_euclid(step) + 1;
        if turns > MAX_RANGE + 1 {
            return fault(at, format!("`range` has at most {MAX_RANGE} turns"));
        }
        Ok(Type::List(turns.unsigned_abs(), Box::new(Type::Number(1e6))))
    }
}
