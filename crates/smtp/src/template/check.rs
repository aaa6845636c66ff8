//! Walks the syntax tree of a template, branches that are not taken too, with what each value can be at most.
//!
//! What this accepts cannot fail at rendering, whatever the data of its kind is: every name is known, every operation is defined for
//! what it is given, every loop has a known number of turns, nothing calls itself, and the most that the template can cost and
//! print is within bounds.

use std::collections::HashMap;

use minijinja::machinery::ast::{BinOpKind, Call, CallArg, CompareOpKind, Expr, Macro, Stmt, UnaryOpKind};
use minijinja::value::{Value, ValueKind};
use rally_domain::mail::MailKind;

use super::variables::{Holds, kinds_with, variables_of};

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
/// The largest number that a template may arrive at. The engine counts with 128 bits.
const MAX_NUMBER: f64 = 1e38;
/// The most bytes of a number that is printed.
const NUMBER: u64 = 64;
/// The most bytes that a byte becomes in HTML: `"` is `&quot;`.
const ESCAPED: u64 = 6;

/// What is larger is as good as endless. Sums and small multiples of it fit into 64 bits.
const ENDLESS: u64 = 1 << 40;

/// Why a template is refused.
#[derive(Debug)]
pub struct Fault {
    /// The line, from 1, if it is one.
    pub line: Option<usize>,
    /// What is wrong.
    pub reason: String,
}

type Checked<T> = Result<T, Fault>;

/// What a value can be.
#[derive(Debug, Clone, PartialEq)]
enum Type {
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
    fn printed(&self) -> Option<u64> {
        match self {
            Self::Text(most) | Self::Plain(most) => Some((*most).min(ENDLESS)),
            Self::Number(_) => Some(NUMBER),
            Self::Flag => Some(5),
            Self::List(..) | Self::Group(_) | Self::Loop | Self::Unsure => None,
        }
    }

    /// What a value is that is one or the other.
    fn or(self, other: Self) -> Self {
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
    fn called(&self) -> &'static str {
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

/// How the arguments of a filter or a test are.
struct Signature {
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
const TESTS: &[Signature] = &[
    takes("defined", 0, 0),
    takes("endingwith", 1, 1),
    takes("even", 0, 0),
    takes("none", 0, 0),
    takes("odd", 0, 0),
    takes("plain_name", 0, 0),
    takes("startingwith", 1, 1),
    takes("undefined", 0, 0),
];

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
            Stmt::IfCond(cond) => {
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
            Stmt::ForLoop(each) => {
                let at = usize::from(each.span().start_line);
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

    /// Looks into the macros that nothing calls, for names that are unknown.
    fn uncalled_macros(&mut self) -> Checked<()> {
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

    fn macro_named(&self, name: &str) -> Option<usize> {
        self.macros.iter().position(|known| known.decl.name == name)
    }

    fn target(&self, target: &Expr<'a>, reason: &str) -> Checked<&'a str> {
        let Expr::Var(var) = target else { return fault(line(target), reason) };
        self.is_free(var.id, line(target))?;
        Ok(var.id)
    }

    /// Refuses a name that means something else.
    fn is_free(&self, name: &str, at: usize) -> Checked<()> {
        let of_the_mail = variables_of(None).any(|variable| variable.name.split('.').next() == Some(name));
        if of_the_mail || name == "range" || name == "loop" {
            return fault(at, format!("`{name}` has a meaning already: choose another name"));
        }
        if self.macro_named(name).is_some() {
            return fault(at, format!("`{name}` is a macro already: choose another name"));
        }
        Ok(())
    }

    fn set(&mut self, target: &Expr<'a>, value: Type) -> Checked<()> {
        let name = self.target(target, "`set` and `with` take one name at a time")?;
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, value);
        }
        self.spend(line(target), 0)
    }

    fn text(&mut self, expr: &'t Expr<'a>) -> Checked<u64> {
        let value = self.expr(expr)?;
        printed(&value, line(expr))
    }

    fn expr(&mut self, expr: &'t Expr<'a>) -> Checked<Type> {
        let at = line(expr);
        self.spend(at, 0)?;
        match expr {
            Expr::Var(var) => self.variable(var.id, at),
            Expr::Const(constant) => self.constant(&constant.value, at),
            Expr::GetAttr(get) => {
                let of = self.expr(&get.expr)?;
                self.attribute(of, get.name, at)
            }
            Expr::GetItem(get) => {
                let of = self.expr(&get.expr)?;
                match (&of, &get.subscript_expr) {
                    (Type::Group(_) | Type::Loop, Expr::Const(name)) if name.value.as_str().is_some() => {
                        self.attribute(of, name.value.as_str().unwrap_or_default(), at)
                    }
                    _ => fault(at, "`[ ]` is not supported here: use `first`, `last` or a loop"),
                }
            }
            Expr::Slice(_) => fault(at, "slices are not supported: use `truncate`"),
            Expr::UnaryOp(op) => {
                let value = self.expr(&op.expr)?;
                match (&op.op, value) {
                    (UnaryOpKind::Not, _) => Ok(Type::Flag),
                    (UnaryOpKind::Neg, Type::Number(most)) => Ok(Type::Number(most)),
                    (UnaryOpKind::Neg, other) => fault(at, not_a_number("-", &other)),
                }
            }
            Expr::BinOp(op) => {
                let (left, right) = (self.expr(&op.left)?, self.expr(&op.right)?);
                self.operation(op.op, left, right, &op.right, at)
            }
            Expr::Compare(compare) => {
                let mut left = self.expr(&compare.expr)?;
                for op in &compare.ops {
                    let right = self.expr(&op.expr)?;
                    let contains = matches!(op.op, CompareOpKind::In | CompareOpKind::NotIn);
                    self.comparison(contains, &left, &right, at)?;
                    left = right;
                }
                Ok(Type::Flag)
            }
            Expr::IfExpr(cond) => {
                self.expr(&cond.test_expr)?;
                let one = self.expr(&cond.true_expr)?;
                let Some(other) = &cond.false_expr else { return fault(at, "an `if` inside of an expression needs an `else`") };
                Ok(one.or(self.expr(other)?))
            }
            Expr::Filter(_) => self.filter(expr, None),
            Expr::Test(test) => {
                let value = self.expr(&test.expr)?;
                known(TESTS, test.name, "test", test.args.len(), at)?;
                let of_anything = matches!(test.name, "defined" | "undefined" | "none");
                let mut bytes = if of_anything { 0 } else { printed(&value, at)? };
                for arg in &test.args {
                    bytes += self.argument(arg, at).and_then(|arg| printed(&arg, at))?;
                }
                self.spend(at, bytes)?;
                Ok(Type::Flag)
            }
            Expr::Call(call) => self.call(call, at),
            Expr::List(list) => self.items(&list.items),
            Expr::Tuple(tuple) => self.items(&tuple.items),
            Expr::Map(_) => fault(at, "maps are not supported"),
        }
    }

    fn variable(&self, name: &str, at: usize) -> Checked<Type> {
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

    fn unknown(&self, name: &str) -> String {
        let kinds: Vec<&str> = kinds_with(name).into_iter().map(MailKind::as_str).collect();
        match self.kind {
            Some(kind) if !kinds.is_empty() => {
                format!("unknown variable `{name}`: mail of kind {} does not have it, only {}", kind.as_str(), kinds.join(", "))
            }
            _ => format!("unknown variable `{name}`"),
        }
    }

    fn attribute(&mut self, value: Type, name: &str, at: usize) -> Checked<Type> {
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

    fn constant(&self, value: &Value, at: usize) -> Checked<Type> {
        match value.kind() {
            ValueKind::String => Ok(Type::Text(value.as_str().map_or(0, str::len) as u64)),
            ValueKind::Bool => Ok(Type::Flag),
            ValueKind::Number => number(f64::try_from(value.clone()).unwrap_or(f64::INFINITY), at),
            ValueKind::None => fault(at, "`none` is not needed: what is missing is an empty text, so test it with `if`"),
            _ => fault(at, "this constant is not supported"),
        }
    }

    fn operation(&mut self, op: BinOpKind, left: Type, right: Type, right_expr: &Expr<'_>, at: usize) -> Checked<Type> {
        match op {
            BinOpKind::ScAnd | BinOpKind::ScOr => Ok(left.or(right)),
            BinOpKind::Concat => {
                let bytes = printed(&left, at)?.saturating_add(printed(&right, at)?);
                self.spend(at, bytes)?;
                Ok(Type::Text(bytes))
            }
            BinOpKind::Eq | BinOpKind::Ne | BinOpKind::Lt | BinOpKind::Lte | BinOpKind::Gt | BinOpKind::Gte => {
                self.comparison(false, &left, &right, at)
            }
            BinOpKind::In => self.comparison(true, &left, &right, at),
            BinOpKind::Pow => fault(at, "`**` is not supported"),
            BinOpKind::Add | BinOpKind::Sub | BinOpKind::Mul | BinOpKind::Div | BinOpKind::FloorDiv | BinOpKind::Rem => {
                let sign = match op {
                    BinOpKind::Add => "+",
                    BinOpKind::Sub => "-",
                    BinOpKind::Mul => "*",
                    BinOpKind::Div => "/",
                    BinOpKind::FloorDiv => "//",
                    _ => "%",
                };
                let (one, other) = match (left, right) {
                    (Type::Number(one), Type::Number(other)) => (one, other),
                    (Type::Number(_), other) | (other, _) => return fault(at, not_a_number(sign, &other)),
                };
                match op {
                    BinOpKind::Add | BinOpKind::Sub => number(one + other, at),
                    BinOpKind::Mul => number(one * other, at),
                    _ => match right_expr {
                        Expr::Const(divisor) if integer(&divisor.value).is_some_and(|divisor| divisor > 0) => {
                            Ok(Type::Number(one.max(other)))
                        }
                        _ => fault(at, format!("`{sign}` needs a whole number above 0 on its right, written as one")),
                    },
                }
            }
        }
    }

    fn comparison(&mut self, contains: bool, left: &Type, right: &Type, at: usize) -> Checked<Type> {
        let bytes = match (contains, right) {
            (true, Type::List(most, item)) => printed(left, at)?.saturating_add(most.saturating_mul(printed(item, at)? + 64)),
            (true, Type::Text(most)) => printed(left, at)?.saturating_add(*most),
            (true, other) => return fault(at, format!("`in` looks into a text or a list, this is {}", other.called())),
            (false, _) => printed(left, at)?.saturating_add(printed(right, at)?),
        };
        self.spend(at, bytes)?;
        Ok(Type::Flag)
    }

    fn items(&mut self, items: &'t [Expr<'a>]) -> Checked<Type> {
        let mut item = None;
        for expr in items {
            let this = self.expr(expr)?;
            printed(&this, line(expr))?;
            item = Some(item.map_or(this.clone(), |item: Type| item.or(this)));
        }
        Ok(Type::List(items.len() as u64, Box::new(item.unwrap_or(Type::Text(0)))))
    }

    fn argument(&mut self, arg: &'t CallArg<'a>, at: usize) -> Checked<Type> {
        match arg {
            CallArg::Pos(expr) => self.expr(expr),
            CallArg::Kwarg(name, _) => fault(at, format!("`{name}=` is not supported here: give the value alone")),
            CallArg::PosSplat(_) | CallArg::KwargSplat(_) => fault(at, "`*` before an argument is not supported"),
        }
    }

    /// Applies a chain of filters to what is piped into it, or to what it has at its start.
    fn filter(&mut self, expr: &'t Expr<'a>, piped: Option<Type>) -> Checked<Type> {
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

    fn filtered(&self, name: &str, value: Type, args: &[Type], exprs: &[CallArg<'a>], at: usize) -> Checked<Type> {
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

    fn call(&mut self, call: &'t Call<'a>, at: usize) -> Checked<Type> {
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
    fn call_macro(&mut self, index: usize, at: usize, given: Vec<Option<Type>>) -> Checked<u64> {
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

    fn range(&mut self, call: &'t Call<'a>, at: usize) -> Checked<Type> {
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

fn of(holds: Holds) -> Type {
    match holds {
        Holds::Text(most) => Type::Text(u64::from(most)),
        Holds::Number => Type::Number(i64::MAX as f64),
    }
}

fn size(value: &Type) -> u64 {
    match value {
        Type::List(most, item) => most.saturating_mul(size(item).saturating_add(64)),
        other => other.printed().unwrap_or_default(),
    }
}

fn printed(value: &Type, at: usize) -> Checked<u64> {
    value.printed().map_or_else(|| fault(at, format!("a text or a number is needed here, this is {}", value.called())), Ok)
}

fn number(most: f64, at: usize) -> Checked<Type> {
    if most.abs() <= MAX_NUMBER { Ok(Type::Number(most.abs())) } else { fault(at, "this number can become too large") }
}

fn integer(value: &Value) -> Option<i64> {
    value.is_integer().then(|| i64::try_from(value.clone()).ok()).flatten()
}

fn not_a_number(sign: &str, value: &Type) -> String {
    let hint = if sign == "+" { ": texts are joined by `~`" } else { ": the filter `int` makes a number of a text" };
    format!("`{sign}` needs numbers, this is {}{hint}", value.called())
}

/// Finds a filter or a test by its name, and checks the number of its arguments.
fn known(table: &[Signature], name: &str, what: &str, args: usize, at: usize) -> Checked<()> {
    let Some(found) = table.iter().find(|signature| signature.name == name) else {
        return fault(at, format!("unknown {what} `{name}`"));
    };
    if (found.least..=found.most).contains(&args) {
        return Ok(());
    }
    let wanted = if found.least == found.most { found.most.to_string() } else { format!("{} or {}", found.least, found.most) };
    fault(at, format!("the {what} `{name}` takes {wanted} arguments"))
}
