//! Expressions.

use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOpKind, Expr, UnaryOpKind};
use minijinja::value::{Value, ValueKind};

use super::filters::{TESTS, known};
use super::types::{Type, integer, not_a_number, number, printed};
use super::{Checked, Walk, fault, line};

impl<'t, 'a> Walk<'t, 'a> {
    pub(super) fn text(&mut self, expr: &'t Expr<'a>) -> Checked<u64> {
        let value = self.expr(expr)?;
        printed(&value, line(expr))
    }

    pub(super) fn expr(&mut self, expr: &'t Expr<'a>) -> Checked<Type> {
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

    pub(super) fn constant(&self, value: &Value, at: usize) -> Checked<Type> {
        match value.kind() {
            ValueKind::String => Ok(Type::Text(value.as_str().map_or(0, str::len) as u64)),
            ValueKind::Bool => Ok(Type::Flag),
            ValueKind::Number => number(f64::try_from(value.clone()).unwrap_or(f64::INFINITY), at),
            ValueKind::None => fault(at, "`none` is not needed: what is missing is an empty text, so test it with `if`"),
            _ => fault(at, "this constant is not supported"),
        }
    }

    pub(super) fn operation(&mut self, op: BinOpKind, left: Type, right: Type, right_expr: &Expr<'_>, at: usize) -> Checked<Type> {
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

    pub(super) fn comparison(&mut self, contains: bool, left: &Type, right: &Type, at: usize) -> Checked<Type> {
        let bytes = match (contains, right) {
            (true, Type::List(most, item)) => printed(left, at)?.saturating_add(most.saturating_mul(printed(item, at)? + 64)),
            (true, Type::Text(most)) => printed(left, at)?.saturating_add(*most),
            (true, other) => return fault(at, format!("`in` looks into a text or a list, this is {}", other.called())),
            (false, _) => printed(left, at)?.saturating_add(printed(right, at)?),
        };
        self.spend(at, bytes)?;
        Ok(Type::Flag)
    }

    pub(super) fn items(&mut self, items: &'t [Expr<'a>]) -> Checked<Type> {
        let mut item = None;
        for expr in items {
            let this = self.expr(expr)?;
            printed(&this, line(expr))?;
            item = Some(item.map_or(this.clone(), |item: Type| item.or(this)));
        }
        Ok(Type::List(items.len() as u64, Box::new(item.unwrap_or(Type::Text(0)))))
    }

    pub(super) fn argument(&mut self, arg: &'t CallArg<'a>, at: usize) -> Checked<Type> {
        match arg {
            CallArg::Pos(expr) => self.expr(expr),
            CallArg::Kwarg(name, _) => fault(at, format!("`{name}=` is not supported here: give the value alone")),
            CallArg::PosSplat(_) | CallArg::KwargSplat(_) => fault(at, "`*` before an argument is not supported"),
        }
    }
}
