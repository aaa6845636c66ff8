//! Walks the syntax tree of a template, branches that are not taken too, with what each value can be at most.
//!
//! What this accepts cannot fail at rendering, whatever the data of its kind is: every name is known, every operation is defined for
//! what it is given, every loop has a known number of turns, nothing calls itself, and the most that the template can cost and
//! print is within bounds.

//!
//! This file has the statements. `expr.rs` has expressions, `names.rs` names, `calls.rs` macros and `range`, `filters.rs` filters and
//! tests, and `types.rs` what a value can be.

mod calls;
mod expr;
mod filters;
mod names;
mod types;

use std::collections::HashMap;

use minijinja::machinery::ast::{Expr, ForLoop, IfCond, Macro, Stmt};
use rally_domain::mail::MailKind;

use self::types::{Type, printed};

/// The most bytes that a part may be once it is rendered.
pub const MAX_RENDERED: u64 = 1024 * 1024;
/// The most that a part may cost, in bytes that are read or written. A step costs [`STEP`] of them.
const MAX_COST: u64 = 20_000 * 64;
/// What a node of the syntax tree costs at most.
const STEP: u64 = 192;
/// The most nodes that are looked at. A macro is looked at wherever it is called.
const MAX_NODES: usize = 50_000;
/// The most turns of a loop over `range`.
const MAX_RANGE: i64 = 1_000;
/// How deep loops, `with` and calls of macros may be in each other.
const MAX_DEPTH: usize = 40;
/// How deep a call of a macro counts, which is at least what the engine counts.
const CALL_DEPTH: usize = 6;
/// The most bytes that a byte becomes in HTML: `"` is `&quot;`.
const ESCAPED: u64 = 6;

/// Why a template is refused.
#[derive(Debug)]
pub struct Fault {
    /// The line, from 1, if it is one.
    pub line: Option<usize>,
    /// What is wrong.
    pub reason: String,
}

type Checked<T> = Result<T, Fault>;

/// Checks the syntax tree of a part of a template of a kind. Without a kind, the variables of all kinds are known.
pub fn check(kind: Option<MailKind>, html: bool, tree: &Stmt<'_>) -> Checked<()> {
    let mut walk =
        Walk { kind, html, scopes: vec![HashMap::new()], macros: Vec::new(), visible: 0, depth: 0, cost: 0, output: 0, nodes: 0 };
    walk.stmt(tree, true)?;
    walk.uncalled_macros()?;
    let whole = |reason: &str| Err(Fault { line: None, reason: reason.to_owned() });
    if walk.output > MAX_RENDERED {
        return whole("the result can be larger than 1 MiB");
    }
    if walk.cost > MAX_COST { whole(TOO_MUCH) } else { Ok(()) }
}

const TOO_MUCH: &str = "takes too much work: it repeats too much, or uses long texts too often";

fn fault<T>(line: impl Into<usize>, reason: impl Into<String>) -> Checked<T> {
    Err(Fault { line: Some(line.into()), reason: reason.into() })
}

fn line(expr: &Expr<'_>) -> usize {
    usize::from(expr.span().start_line)
}

type Scope<'a> = HashMap<&'a str, Type>;

struct Definition<'t, 'a> {
    decl: &'t Macro<'a>,
    line: usize,
    called: bool,
}

struct Walk<'t, 'a> {
    kind: Option<MailKind>,
    html: bool,
    scopes: Vec<Scope<'a>>,
    macros: Vec<Definition<'t, 'a>>,
    /// How many of the macros can be called here. A macro calls those before it alone, so none calls itself.
    visible: usize,
    /// How deep the macro is called whose body this is.
    depth: usize,
    cost: u64,
    output: u64,
    nodes: usize,
}
impl<'t, 'a> Walk<'t, 'a> {
    fn spend(&mut self, line: usize, cost: u64) -> Checked<()> {
        self.cost = self.cost.saturating_add(cost).saturating_add(STEP);
        self.nodes += 1;
        if self.nodes > MAX_NODES { fault(line, TOO_MUCH) } else { Ok(()) }
    }

    /// Goes into what has names of its own.
    fn enter(&mut self, scope: Scope<'a>, line: usize) -> Checked<()> {
        self.scopes.push(scope);
        let depth = self.depth + self.scopes.len();
        if depth > MAX_DEPTH { fault(line, "nests too deep: loops, `with` or macros in each other") } else { Ok(()) }
    }

    /// Returns what the names mean here. A copy counts as looking at nodes.
    fn remembered(&mut self, line: usize) -> Checked<Vec<Scope<'a>>> {
        self.nodes += self.scopes.iter().map(|scope| 1 + scope.len() / 4).sum::<usize>();
        self.spend(line, 0)?;
        Ok(self.scopes.clone())
    }

    fn print(&mut self, bytes: u64, from_data: bool) {
        let bytes = if self.html && from_data { bytes.saturating_mul(ESCAPED) } else { bytes };
        self.output = self.output.saturating_add(bytes);
        self.cost = self.cost.saturating_add(bytes);
    }

    fn body(&mut self, body: &'t [Stmt<'a>]) -> Checked<()> {
        body.iter().try_for_each(|stmt| self.stmt(stmt, false))
    }

    /// Walks what is printed into a text instead, and returns the most bytes of it.
    fn captured(&mut self, body: &'t [Stmt<'a>]) -> Checked<u64> {
        let before = std::mem::take(&mut self.output);
        self.body(body)?;
        Ok(std::mem::replace(&mut self.output, before))
    }

    fn stmt(&mut self, stmt: &'t Stmt<'a>, top: bool) -> Checked<()> {
        let unsupported = |line: u16, what: &str| fault(line, format!("`{what}` is not supported: a template is one file alone"));
        match stmt {
            Stmt::Template(template) => template.children.iter().try_for_each(|stmt| self.stmt(stmt, top)),
            Stmt::EmitRaw(raw) => {
                self.print(raw.raw.len() as u64, false);
                self.spend(usize::from(raw.span().start_line), 0)
            }
            Stmt::EmitExpr(emit) => {
                let bytes = self.text(&emit.expr)?;
                self.print(bytes, true);
                self.spend(line(&emit.expr), bytes)
            }
            Stmt::IfCond(cond) => self.branches(cond),
            Stmt::ForLoop(each) => self.turns(each, usize::from(each.span().start_line)),
            Stmt::Set(set) => {
                let value = self.expr(&set.expr)?;
                self.set(&set.target, value)
            }
            Stmt::SetBlock(set) => {
                let mut value = Type::Text(self.captured(&set.body)?);
                if let Some(filter) = &set.filter {
                    value = self.filter(filter, Some(value))?;
                }
                self.set(&set.target, value)
            }
            Stmt::WithBlock(with) => {
                self.enter(HashMap::new(), usize::from(with.span().start_line))?;
                for (target, expr) in &with.assignments {
                    let value = self.expr(expr)?;
                    self.set(target, value)?;
                }
                self.body(&with.body)?;
                self.scopes.pop();
                Ok(())
            }
            Stmt::FilterBlock(block) => {
                let piped = Type::Text(self.captured(&block.body)?);
                let at = usize::from(block.filter_span.start_line);
                let filtered = self.filter(&block.filter, Some(piped))?;
                let bytes = printed(&filtered, at)?;
                self.print(bytes, true);
                self.spend(at, bytes)
            }
            Stmt::Macro(decl) => {
                let at = usize::from(decl.span().start_line);
                if !top {
                    return fault(at, "a macro is defined outside of loops, branches and other macros");
                }
                self.is_free(decl.name, at)?;
                self.macros.push(Definition { decl, line: at, called: false });
                self.visible = self.macros.len();
                self.spend(at, 0)
            }
            Stmt::AutoEscape(block) => fault(block.span().start_line, "`autoescape` is not supported: HTML is always escaped"),
            Stmt::Block(block) => unsupported(block.span().start_line, "block"),
            Stmt::Import(import) => unsupported(import.span().start_line, "import"),
            Stmt::FromImport(import) => unsupported(import.span().start_line, "from"),
            Stmt::Extends(extends) => unsupported(extends.span().start_line, "extends"),
            Stmt::Include(include) => unsupported(include.span().start_line, "include"),
            Stmt::CallBlock(block) => fault(block.span().start_line, "`call` is not supported: call the macro in `{{ }}`"),
            Stmt::Do(stmt) => fault(stmt.span().start_line, "`do` is not supported"),
        }
    }

    fn set(&mut self, target: &Expr<'a>, value: Type) -> Checked<()> {
        let name = self.target(target, "`set` and `with` take one name at a time")?;
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, value);
        }
        self.spend(line(target), 0)
    }

    /// Costs and prints as much as the larger of two branches.
    fn branches(&mut self, cond: &'t IfCond<'a>) -> Checked<()> {
        self.expr(&cond.expr)?;
        let (scopes, cost, output) = (self.remembered(line(&cond.expr))?, self.cost, self.output);
        self.body(&cond.true_body)?;
        let (taken, taken_cost, taken_output) = (std::mem::replace(&mut self.scopes, scopes), self.cost, self.output);
        (self.cost, self.output) = (cost, output);
        self.body(&cond.false_body)?;
        (self.cost, self.output) = (self.cost.max(taken_cost), self.output.max(taken_output));
        for (scope, taken) in self.scopes.iter_mut().zip(taken) {
            merge(scope, taken);
        }
        self.spend(line(&cond.expr), 0)
    }

    /// Walks a loop twice: a variable that the first turn changes must be the same after the second.
    fn turns(&mut self, each: &'t ForLoop<'a>, at: usize) -> Checked<()> {
        if each.recursive {
            return fault(at, "`recursive` is not supported: a loop cannot call itself");
        }
        let (turns, item) = match self.expr(&each.iter)? {
            Type::List(turns, item) => (turns, *item),
            other => return fault(line(&each.iter), format!("a loop needs a list or `range`, this is {}", other.called())),
        };
        let target = self.target(&each.target, "a loop has one variable")?;
        let (cost, output) = (self.cost, self.output);
        self.enter(HashMap::from([("loop", Type::Loop), (target, item)]), at)?;
        let turn = |walk: &mut Self| {
            if let Some(filter) = &each.filter_expr {
                walk.expr(filter)?;
            }
            walk.body(&each.body)
        };
        turn(self)?;
        let after = self.remembered(at)?;
        let (turn_cost, turn_output) = (self.cost - cost, self.output - output);
        turn(self)?;
        if self.scopes != after {
            return fault(at, "a variable grows with every turn of this loop");
        }
        self.scopes.pop();
        self.cost = cost.saturating_add(turn_cost.saturating_add(STEP).saturating_mul(turns));
        self.output = output.saturating_add(turn_output.saturating_mul(turns));
        self.body(&each.else_body)?;
        self.spend(at, turns.saturating_mul(64))
    }
}

/// Joins what two branches leave behind.
fn merge<'a>(scope: &mut Scope<'a>, other: Scope<'a>) {
    for (name, value) in scope.iter_mut() {
        let one = std::mem::replace(value, Type::Unsure);
        if let Some(other) = other.get(name) {
            *value = one.or(other.clone());
        }
    }
    for (name, _) in other {
        scope.entry(name).or_insert(Type::Unsure);
    }
}
