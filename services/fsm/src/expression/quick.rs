//! The short way for conditions: comparisons of facts, and what AND, OR and NOT make of them, are answered from the facts as
//! they are. Where CEL's own rules come in (a fact is missing, or of another type) there is no short answer, and the whole
//! expression is evaluated.

use std::cmp::Ordering;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use serde_json::{Map, Value};

/// A condition.
pub enum Condition {
    /// A fact that is true or false, or a comparison of two values.
    Fact(Operand),
    Compare(Operand, Comparison, Operand),
    /// Whether a fact has a field.
    Has(String, String),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

/// What is compared.
pub enum Operand {
    Fact(String),
    /// A field of a fact.
    Field(String, String),
    /// What a fact has under a key, which is made a text first.
    Entry(String, Box<Operand>),
    Literal(Value),
}

/// How it is compared.
#[derive(Clone, Copy)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    /// The condition that an expression is, if it is one of those above.
    pub fn of(node: &IdedExpr) -> Option<Condition> {
        match &node.expr {
            Expr::Ident(name) => Some(Condition::Fact(Operand::Fact(name.clone()))),
            Expr::Select(select) => match (&select.operand.expr, select.test) {
                (Expr::Ident(name), true) => Some(Condition::Has(name.clone(), select.field.clone())),
                (_, true) => None,
                _ => Operand::of(node).map(Condition::Fact),
            },
            Expr::Call(call) if call.target.is_none() => {
                let sub = |index: usize| Condition::of(call.args.get(index)?).map(Box::new);
                match call.func_name.as_str() {
                    operators::INDEX => Operand::of(node).map(Condition::Fact),
                    operators::LOGICAL_NOT => Some(Condition::Not(sub(0)?)),
                    operators::LOGICAL_AND => Some(Condition::And(sub(0)?, sub(1)?)),
                    operators::LOGICAL_OR => Some(Condition::Or(sub(0)?, sub(1)?)),
                    other => {
                        let comparison = Comparison::of(other)?;
                        let [left, right] = &call.args[..] else { return None };
                        Some(Condition::Compare(Operand::of(left)?, comparison, Operand::of(right)?))
                    }
                }
            }
            _ => None,
        }
    }

    /// Its value: a fact as it is, or whether the condition holds; `None` where the whole expression has to say.
    pub fn value(&self, facts: &Map<String, Value>) -> Option<Value> {
        match self {
            Condition::Fact(operand) => operand.value(facts).cloned(),
            condition => condition.holds(facts).map(Value::Bool),
        }
    }

    /// Whether it holds; `None` where the whole expression has to say.
    pub fn holds(&self, facts: &Map<String, Value>) -> Option<bool> {
        match self {
            Condition::Fact(operand) => operand.value(facts)?.as_bool(),
            Condition::Compare(left, comparison, right) => comparison.holds(left.value(facts)?, right.value(facts)?),
            Condition::Has(fact, field) => Some(facts.get(fact)?.as_object()?.contains_key(field)),
            Condition::Not(condition) => condition.holds(facts).map(|holds| !holds),
            Condition::And(left, right) => match left.holds(facts)? {
                true => right.holds(facts),
                false => Some(false),
            },
            Condition::Or(left, right) => match left.holds(facts)? {
                true => Some(true),
                false => right.holds(facts),
            },
        }
    }
}

impl Operand {
    fn of(node: &IdedExpr) -> Option<Operand> {
        match &node.expr {
            Expr::Ident(name) => Some(Operand::Fact(name.clone())),
            Expr::Select(select) if !select.test => match &select.operand.expr {
                Expr::Ident(name) => Some(Operand::Field(name.clone(), select.field.clone())),
                _ => None,
            },
            Expr::Call(call) if call.func_name == operators::INDEX => {
                let [map, key] = &call.args[..] else { return None };
                let (Expr::Ident(map), Expr::Call(text)) = (&map.expr, &key.expr) else { return None };
                let [key] = &text.args[..] else { return None };
                let is_text = text.func_name == "string" && text.target.is_none();
                is_text.then(|| Some(Operand::Entry(map.clone(), Box::new(Operand::of(key)?)))).flatten()
            }
            Expr::Literal(LiteralValue::Int(number)) => Some(Operand::Literal(Value::from(*number.inner()))),
            Expr::Literal(LiteralValue::Boolean(yes)) => Some(Operand::Literal(Value::from(*yes.inner()))),
            Expr::Literal(LiteralValue::String(text)) => Some(Operand::Literal(Value::from(text.inner()))),
            _ => None,
        }
    }

    fn value<'a>(&'a self, facts: &'a Map<String, Value>) -> Option<&'a Value> {
        match self {
            Operand::Fact(fact) => facts.get(fact),
            Operand::Field(fact, field) => facts.get(fact)?.get(field),
            Operand::Entry(map, key) => facts.get(map)?.get(key_text(key.value(facts)?)?),
            Operand::Literal(value) => Some(value),
        }
    }
}

/// A number or a text as the key that `string()` makes of it.
pub fn key_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number.as_i64().map(|number| number.to_string()),
        _ => None,
    }
}

impl Comparison {
    fn of(operator: &str) -> Option<Comparison> {
        Some(match operator {
            operators::EQUALS => Comparison::Equal,
            operators::NOT_EQUALS => Comparison::NotEqual,
            operators::LESS => Comparison::Less,
            operators::LESS_EQUALS => Comparison::LessOrEqual,
            operators::GREATER => Comparison::Greater,
            operators::GREATER_EQUALS => Comparison::GreaterOrEqual,
            _ => return None,
        })
    }

    /// Whether it holds between two values of one type.
    pub fn holds(self, left: &Value, right: &Value) -> Option<bool> {
        let ordering = match (left, right) {
            (Value::Number(left), Value::Number(right)) => left.as_i64()?.cmp(&right.as_i64()?),
            (Value::String(left), Value::String(right)) => left.cmp(right),
            (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
            _ => return None,
        };
        Some(match self {
            Comparison::Equal => ordering == Ordering::Equal,
            Comparison::NotEqual => ordering != Ordering::Equal,
            Comparison::Less => ordering == Ordering::Less,
            Comparison::LessOrEqual => ordering != Ordering::Greater,
            Comparison::Greater => ordering == Ordering::Greater,
            Comparison::GreaterOrEqual => ordering != Ordering::Less,
        })
    }
}
